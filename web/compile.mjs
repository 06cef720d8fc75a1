// node compile.mjs PYODIDE FOLDER: turns every .py below FOLDER into a sourceless .pyc beside it, with the interpreter the phone
// will run. Docstrings become one space; not none, since a dataclass without one puts its signature there.
// SQLAlchemy reads those of its events.
import { pathToFileURL } from "node:url";
import { resolve } from "node:path";

const [pyodide, folder] = process.argv.slice(2).map(path => resolve(path));
const { loadPyodide } = await import(pathToFileURL(`${pyodide}/pyodide.mjs`));
const python = await loadPyodide({ indexURL: `${pyodide}/` });
python.FS.mkdirTree("/sources");
python.mountNodeFS("/sources", folder);
python.runPython(`
import ast, importlib.util, os
from importlib._bootstrap_external import _code_to_hash_pyc

MAY_HAVE_ONE = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
for here, _, names in os.walk("/sources"):
    for name in sorted(names):
        if name.endswith(".py"):
            path = os.path.join(here, name)
            with open(path, "rb") as file:
                source = file.read()
            tree = ast.parse(source, path)
            for node in ast.walk(tree) if name != "events.py" else ():
                if isinstance(node, MAY_HAVE_ONE) and ast.get_docstring(node, clean=False) is not None:
                    node.body[0].value.value = " "
            code = compile(tree, path.removeprefix("/sources/"), "exec", dont_inherit=True, optimize=0)
            with open(path + "c", "wb") as file:
                file.write(_code_to_hash_pyc(code, importlib.util.source_hash(source), checked=False))
            os.remove(path)
`);
