"""What pictures say about the city: analysers, each a module here that defines ANALYSER."""
