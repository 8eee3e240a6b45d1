"""One file per way pictures come in; `SOURCE` (video.media.SourceKind) in each is found by its URL schemes."""
