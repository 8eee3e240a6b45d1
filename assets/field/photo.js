/* A photo from the camera or the gallery, made small enough for a bad network before it is kept: at most 2000 px, JPEG.
 * Drawing it anew also leaves out what the camera wrote into the file.
 *
 * field.shrink(file) → Promise of {blob, width, height}; rejects for a file that is no picture
 */
"use strict";

(function () {
  const field = window.field;
  const LONGEST = 2000;
  const QUALITY = 0.82;

  async function opened(file) {
    if (window.createImageBitmap) {
      try {
        return await createImageBitmap(file, { imageOrientation: "from-image" });
      } catch (_) {
        /* some browsers open more kinds through an element */
      }
    }
    const address = URL.createObjectURL(file);
    try {
      const image = new Image();
      image.src = address;
      await image.decode();
      return image;
    } finally {
      URL.revokeObjectURL(address);
    }
  }

  field.shrink = async function (file) {
    const image = await opened(file);
    const [wide, high] = [image.naturalWidth || image.width, image.naturalHeight || image.height];
    if (!wide || !high) throw new Error("no picture");
    const scale = Math.min(1, LONGEST / Math.max(wide, high));
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(1, Math.round(wide * scale));
    canvas.height = Math.max(1, Math.round(high * scale));
    const pen = canvas.getContext("2d");
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.drawImage(image, 0, 0, canvas.width, canvas.height);
    if (image.close) image.close();
    const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", QUALITY));
    const size = { width: canvas.width, height: canvas.height };
    canvas.width = canvas.height = 0; // phones keep a canvas' memory until it is emptied
    if (!blob) throw new Error("no picture");
    return { blob, ...size };
  };
})();
