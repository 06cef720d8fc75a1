// Reads a QR code in a picture: with the phone's own reader where there is one, else with the one shipped.
import { decodeQR } from "/qr/decode.js";

const LONGEST = 1280;  // pixels; a code that fills a third of the frame is read from far fewer

/** The text of the code in a JPEG or PNG, or "" when there is none to be read. */
export async function readCode(bytes) {
  const picture = await createImageBitmap(new Blob([bytes]));
  try {
    if ("BarcodeDetector" in self && (await BarcodeDetector.getSupportedFormats()).includes("qr_code")) {
      const [found] = await new BarcodeDetector({ formats: ["qr_code"] }).detect(picture);
      if (found) return found.rawValue;
    }
    const scale = Math.min(1, LONGEST / Math.max(picture.width, picture.height));
    const width = Math.round(picture.width * scale), height = Math.round(picture.height * scale);
    const brush = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
    brush.drawImage(picture, 0, 0, width, height);
    const { data } = brush.getImageData(0, 0, width, height);
    try {
      return decodeQR({ width, height, data });
    } catch {
      return "";  // no code in this frame: the next one is looked at
    }
  } finally {
    picture.close();
  }
}
