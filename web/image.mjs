// node image.mjs PYODIDE PACKAGES IMAGE: writes a memory image of the interpreter with the packages imported, as far as they need
// neither an extension module (which is loaded beside the memory) nor the page. The app starts from it instead of importing.
import { readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { resolve } from "node:path";

const [pyodide, packages, image] = process.argv.slice(2).map(path => resolve(path));
const { loadPyodide } = await import(pathToFileURL(`${pyodide}/pyodide.mjs`));
const python = await loadPyodide({
  indexURL: `${pyodide}/`, _makeSnapshot: true,
  env: { PYTHONHASHSEED: "0" },  // what stands in the image is known to everybody, the seed too
});
python.FS.writeFile("/packages.zip", readFileSync(packages));
python.runPython(`
import gc, importlib, sys, zipfile

WHOLE = ("flet/controls/", "flet/components/", "flet_camera/", "flet_geolocator/", "idna/core")
NAMED = (
    "flet", "httpx", "sqlalchemy.orm", "sqlalchemy.dialects.sqlite", "sqlite3", "annotated_types", "typing_extensions",
    "typing_inspection", "typing_inspection.introspection", "typing_inspection.typing_objects",
    "asyncio", "csv", "gzip", "logging", "zipfile", "zoneinfo",
)
sys.path.insert(0, "/packages.zip")
with zipfile.ZipFile("/packages.zip") as archive:
    files = sorted(name for name in archive.namelist() if name.startswith(WHOLE) and name.endswith(".pyc"))
    extensions = {name.partition("/")[0] for name in archive.namelist() if name.endswith(".so")}
for name in (*NAMED, *(file.removesuffix(".pyc").removesuffix("/__init__").replace("/", ".") for file in files)):
    importlib.import_module(name)
if wrong := sorted(name for name in sys.modules if name.partition(".")[0] in extensions):
    raise SystemExit(f"these need an extension and cannot stand in an image: {wrong}")
sys.path.remove("/packages.zip")
gc.collect()
`);
writeFileSync(image, python.makeMemorySnapshot());
