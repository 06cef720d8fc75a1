// Photo files, one each in a folder of the origin's private file system (OPFS); what Python makes of them is app/device/opfs.py.
//
// Nothing here rejects: what was refused comes back as {problem: name of the error}. Python would wait for ever for a promise
// that a QuotaExceededError rejects, because Pyodide (314.0) does not take that object for an error.

const busy = new Set();  // Chromium never answers a handle that was garbage collected meanwhile, see storage.js

/** What `work(hold)` gives, or the problem; what it gives to `hold` is held on to until then. */
async function asked(work) {
  const held = [];
  busy.add(held);
  try {
    return await work(handle => (held.push(handle), handle));
  } catch (refused) {
    return { problem: refused.name || String(refused) };
  } finally {
    busy.delete(held);
  }
}

/**
 * {folder, files: Map of names to File}; what cannot be opened is left out. Begun while the interpreter starts, all files asked
 * about at once.
 */
export const open = name => asked(async hold => {
  const folder = hold(await hold(await navigator.storage.getDirectory()).getDirectoryHandle(name, { create: true }));
  const handles = hold([]);
  for await (const handle of hold(folder.values())) if (handle.kind === "file") handles.push(handle);
  const files = await Promise.allSettled(handles.map(handle => handle.getFile()));
  return { folder, files: new Map(files.flatMap(({ value: file }) => (file ? [[file.name, file]] : []))) };
});

/**
 * {file} once these bytes are the whole of the file `name`, on the disk; they are written under the name `unfinished` first,
 * where a file can be moved.
 */
export const put = (folder, name, unfinished, bytes) => asked(async hold => {
  const moves = "move" in FileSystemFileHandle.prototype;
  const handle = hold(await hold(folder).getFileHandle(moves ? unfinished : name, { create: true }));
  if ("createWritable" in handle) {
    const stream = hold(await handle.createWritable());
    try {
      await stream.write(bytes);
      await stream.close();
    } catch (refused) {
      await stream.abort();
      throw refused;
    }
  } else {  // Safari before 26
    const access = await handle.createSyncAccessHandle();
    try {
      access.truncate(0);
      if (access.write(bytes) < bytes.length) throw { name: "QuotaExceededError" };
      access.flush();
    } finally {
      access.close();
    }
  }
  if (moves) await handle.move(name);
  return { file: await handle.getFile() };
});

/** Nothing once there is no file of that name. */
export const remove = (folder, name) => asked(async hold => {
  await hold(folder).removeEntry(name);
  return {};
});

const ROOMS = [64, 32, 16, 8, 4, 2, 1].map(mb => mb << 20);

/**
 * {bytes} left for this origin. Clients round and hide what they tell (Chromium says 10 GB on a full phone), so it is tried too:
 * whether a file can be made that large, which costs nothing while it is empty.
 */
export const room = () => asked(async hold => {
  const { quota, usage } = await navigator.storage.estimate(), told = Math.max(0, quota - usage);
  const root = hold(await navigator.storage.getDirectory());
  const access = await hold(await root.getFileHandle("room", { create: true })).createSyncAccessHandle();
  const fits = bytes => {
    try { access.truncate(bytes); return true; } catch (refused) {
      if (refused.name !== "QuotaExceededError") throw refused;
      return false;
    }
  };
  let found;
  try {
    found = ROOMS.find(fits) ?? 0;
    access.truncate(0);
  } finally {
    access.close();
  }
  await root.removeEntry("room");
  return { bytes: found === ROOMS[0] ? told : Math.min(found, told) };
});
