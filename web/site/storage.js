// The notebook's files in the browser: an Emscripten file system whose files are OPFS sync access handles.
//
// SQLite's writes go straight to the origin's private files; nothing is copied, nothing has to be synced back. Three promises:
// one tab at a time (the handles are exclusive; who holds them says so when asked), a write never reaches a file before what was
// written to the other file earlier is on the disk (SQLite counts on that order, and Emscripten drops its fdatasync), and after
// `flush()` all is on the disk.

const ENOENT = 44, EACCES = 2, EPERM = 63, EINVAL = 28, ENOSPC = 51, EIO = 29;
const OPEN_PATIENCE_MS = 3000;  // a page that is being reloaded lets go of its handles within moments
const DYING_PATIENCE_MS = 20000;  // on a slow phone it takes longer; but what is going away does not answer any more
const SILENCE_MS = 2500, SILENT_PATIENCE_MS = 30000;

/** Files that can exist; a slot that is empty does not. The spares take in a damaged notebook that is set aside. */
export const SLOTS = [
  "notebook.sqlite", "notebook.sqlite-wal", "notebook.sqlite-journal", "enrolment.json",
  ...Array.from({ length: 9 }, (_, n) => `aside-${n + 1}.sqlite`),
];

// Chromium never answers a handle that was garbage collected meanwhile (seen in one start of three on a busy machine): the
// promise stays open and the app with it. So every handle that is asked something is held on to; and what stays unanswered
// all the same is asked again.
const held = [];
const hold = handle => (held.push(handle), handle);

/** The promise's value, or {name: "Silent"} thrown. */
function answered(promise) {
  let is_late = false;
  promise.then(handle => { if (is_late) handle.close?.(); }, () => {});
  return Promise.race([promise, new Promise((_, refuse) => setTimeout(() => {
    is_late = true;
    refuse({ name: "Silent" });
  }, SILENCE_MS))]);
}

async function slotsOf(name) {
  const root = hold(await answered(navigator.storage.getDirectory()));
  const folder = hold(await answered(root.getDirectoryHandle(name, { create: true })));
  const slots = {};
  try {
    for (const slot of SLOTS) {
      const file = hold(await answered(folder.getFileHandle(slot, { create: true })));
      slots[slot] = await answered(file.createSyncAccessHandle());
    }
    return slots;
  } catch (cause) {
    for (const handle of Object.values(slots)) handle.close();
    throw cause;
  }
}

/** Opens all slots of the OPFS folder `name`. Throws {problem: "missing" | "in-use" | "failed", cause}. */
export async function openSlots(name) {
  if (!self.isSecureContext || !navigator.storage?.getDirectory || !self.FileSystemFileHandle?.prototype.createSyncAccessHandle)
    throw { problem: "missing" };
  const began = performance.now();
  const door = new BroadcastChannel(`slots of ${name}`);
  let is_answered = false;
  door.onmessage = said => { is_answered ||= said.data === "here"; };
  for (;;) {
    try {
      const slots = await slotsOf(name);
      door.onmessage = said => { if (said.data === "who is there?") door.postMessage("here"); };
      hold(door);
      return slots;
    } catch (cause) {
      const waited = performance.now() - began;
      const is_held = ["NoModificationAllowedError", "InvalidStateError"].includes(cause.name);
      if (cause.name === "SecurityError" || cause.name === "NotAllowedError") throw { problem: "missing", cause };  // private windows
      if (is_held) door.postMessage("who is there?");
      if (is_held && waited > (is_answered ? OPEN_PATIENCE_MS : DYING_PATIENCE_MS)) throw { problem: "in-use", cause };
      if (!is_held && cause.name !== "Silent" || waited > SILENT_PATIENCE_MS) throw { problem: "failed", cause };
      await new Promise(later => setTimeout(later, 100));
    }
  }
}

/** Mounts opened slots at `mountpoint`; gives {flush()}. */
export function mount(FS, mountpoint, slots) {
  const fault = code => new FS.ErrnoError(code);
  let written = null;  // the handle written to since the last flush; never more than one
  const settle = handle => {
    if (written !== null && written !== handle) { written.flush(); written = null; }
  };
  const refuse = error => {
    throw error instanceof FS.ErrnoError ? error : fault(error.name === "QuotaExceededError" ? ENOSPC : EIO);
  };
  const resize = (node, size) => {
    settle(node.slot);
    try { node.slot.truncate(size); } catch (error) { refuse(error); }
    written = node.slot;
  };
  const facts = node => {
    const size = node.slot ? node.slot.getSize() : 4096, when = new Date(node.timestamp);
    return { dev: 1, ino: node.id, mode: node.mode, nlink: 1, uid: 0, gid: 0, rdev: 0, size, atime: when, mtime: when,
             ctime: when, blksize: 4096, blocks: Math.ceil(size / 4096) };
  };
  const of_file = {
    getattr: facts,
    setattr(node, wanted) {
      if (wanted.mode != null) node.mode = wanted.mode;
      if (wanted.size !== undefined && node.slot) resize(node, wanted.size);
    },
  };
  const of_folder = {
    ...of_file,
    lookup() { throw fault(ENOENT); },  // what exists is in Emscripten's own table
    mknod(parent, name, mode) {
      if (!FS.isFile(mode) || !(name in slots)) throw fault(EACCES);
      const node = make(parent, name, mode);
      resize(node, 0);
      return node;
    },
    unlink(parent, name) {
      resize(parent.contents[name], 0);
      delete parent.contents[name];
    },
    rename(node, parent, name) {
      if (!(name in slots)) throw fault(EACCES);
      const from = node.slot, to = slots[name], page = new Uint8Array(1 << 20);
      settle(null);
      try {
        to.truncate(0);
        for (let at = 0, size = from.getSize(); at < size; at += page.length)
          to.write(page.subarray(0, from.read(page, { at })), { at });
        to.flush();
        from.truncate(0);
        from.flush();
      } catch (error) { refuse(error); }
      delete parent.contents[node.name];
      node.slot = to;
      node.name = name;
      parent.contents[name] = node;
    },
    rmdir() { throw fault(EPERM); },
    symlink() { throw fault(EPERM); },
    readdir(node) { return [".", "..", ...Object.keys(node.contents)]; },
  };
  const of_stream = {
    llseek(stream, offset, whence) {
      const at = whence === 1 ? offset + stream.position : whence === 2 ? offset + stream.node.slot.getSize() : offset;
      if (at < 0) throw fault(EINVAL);
      return at;
    },
    read(stream, buffer, offset, length, position) {
      return stream.node.slot.read(buffer.subarray(offset, offset + length), { at: position });
    },
    write(stream, buffer, offset, length, position) {
      settle(stream.node.slot);
      let done;
      try { done = stream.node.slot.write(buffer.subarray(offset, offset + length), { at: position }); } catch (error) { refuse(error); }
      written = stream.node.slot;
      if (done < length) throw fault(ENOSPC);
      stream.node.timestamp = Date.now();
      return done;
    },
    fsync() { settle(null); return 0; },
  };
  function make(parent, name, mode) {
    const node = FS.createNode(parent, name, mode, 0);
    node.timestamp = Date.now();
    node.node_ops = FS.isDir(mode) ? of_folder : of_file;
    node.stream_ops = FS.isDir(mode) ? {} : of_stream;
    if (FS.isDir(mode)) node.contents = {};
    else node.slot = slots[name];
    if (parent && parent !== node) parent.contents[name] = node;
    return node;
  }
  FS.mkdirTree(mountpoint);
  const root = FS.mount({ mount: () => make(null, "/", 0o40777) }, {}, mountpoint);
  for (const name of SLOTS) if (slots[name].getSize() > 0) make(root, name, 0o100666);
  return { flush: () => settle(null) };
}
