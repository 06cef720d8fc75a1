// node compile.mjs PYODIDE FOLDER [SNAPSHOT]: turns every .py below FOLDER into a sourceless .pyc beside it, with the interpreter
// the phone will run. With SNAPSHOT it only writes a memory image of the bare interpreter there.
import { writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { resolve } from "node:path";

const [pyodide, folder, snapshot] = process.argv.slice(2).map(path => resolve(path));
const { loadPyodide } = await import(pathToFileURL(`${pyodide}/pyodide.mjs`));
if (snapshot) {
  const bare = await loadPyodide({ indexURL: `${pyodide}/`, _makeSnapshot: true });
  writeFileSync(snapshot, bare.makeMemorySnapshot());
} else {
  const python = await loadPyodide({ indexURL: `${pyodide}/` });
  python.FS.mkdirTree("/sources");
  python.mountNodeFS("/sources", folder);
  python.runPython(`
import os, py_compile
for here, _, names in os.walk("/sources"):
    for name in sorted(names):
        if name.endswith(".py"):
            path = os.path.join(here, name)
            py_compile.compile(path, cfile=path + "c", dfile=path.removeprefix("/sources/"), doraise=True, optimize=0,
                               invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
            os.remove(path)
`);
}
