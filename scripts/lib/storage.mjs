/**
 * Room to write: what a full or read-only disk means for a local run, in one sentence.
 * @module
 */

import { existsSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inProject, ROOT } from "./project.mjs";
import { Trouble } from "./terminal.mjs";

/** What a start writes at the most: the bundle, and a new database of each kind. In bytes. */
const ROOM = 8 * 1024 * 1024;

const MAKE_ROOM = "Make room, then run the same command again. Nothing that was accepted is lost.";
const MAKE_WRITABLE = "Give this user the right to write there, or run it in a copy of the project elsewhere.";

/** What the system calls it, and what SQLite does; and what to say of a place. */
const KINDS = [
  {
    codes: ["ENOSPC", "EFBIG"],
    words: /\bENOSPC\b|no space left|SQLITE_FULL|disk is full/i,
    says: (place) => `The disk is full: there is no room left in ${place}.`,
    remedy: MAKE_ROOM,
  },
  {
    codes: ["EDQUOT"],
    words: /\bEDQUOT\b|quota exceeded/i,
    says: (place) => `The disk quota is used up: there is no room left in ${place}.`,
    remedy: MAKE_ROOM,
  },
  {
    codes: ["EROFS"],
    words: /\bEROFS\b|read-only file system/i,
    says: (place) => `The disk is read-only: nothing can be written to ${place}.`,
    remedy: MAKE_WRITABLE,
  },
  {
    codes: ["EACCES", "EPERM"],
    words: /\bEACCES\b|SQLITE_(?:READONLY|CANTOPEN|PERM)|readonly database|unable to open database/i,
    says: (place) => `This user has no right to read and write ${place}.`,
    remedy: MAKE_WRITABLE,
  },
  {
    codes: ["EIO"],
    words: /\bEIO\b|SQLITE_IOERR|disk I\/O error/i,
    says: (place) => `The disk fails: what is in ${place} can neither be read nor written.`,
    remedy: "Look at the disk, and at what the system's log says of it.",
  },
  {
    codes: [],
    words: /SQLITE_(?:CORRUPT|NOTADB)|disk image is malformed|file is not a database/i,
    says: (place) => `What is kept in ${place} is damaged: a database there cannot be read.`,
    remedy: "Put back a copy of it, or remove the directory .wrangler to begin anew with nothing.",
  },
];

/**
 * Makes sure that what a start writes can be written: where state is kept, and where temporary files go.
 *
 * @throws {Trouble} when it cannot
 */
export async function ensureWritable() {
  const kept = [".wrangler/state", ".wrangler"].map(inProject).find((path) => existsSync(path)) ?? ROOT.slice(0, -1);
  for (const place of [kept, tmpdir()]) {
    const probe = join(place, `.posthorn-${process.pid}`);
    try {
      await writeFile(probe, Buffer.alloc(ROOM));
    } catch (error) {
      throw storageTrouble(error, place) ?? error;
    } finally {
      await rm(probe, { force: true }).catch(() => {});
    }
  }
}

/**
 * What an error says of storage.
 *
 * @param {unknown} error a system error, or trouble with the words of wrangler
 * @param {string} [place] the directory that it is about; where it is not known, the one that state is kept in
 * @returns {Trouble | undefined} nothing: it is about something else
 */
export function storageTrouble(error, place = inProject(".wrangler")) {
  const { code, path } = /** @type {NodeJS.ErrnoException} */ (error);
  const words = error instanceof Trouble ? error.remedy.join("\n") : "";
  const kind = KINDS.find(({ codes, words: known }) => codes.includes(code) || known.test(words));
  if (kind === undefined) return undefined;
  const named = place === inProject(".wrangler") && path !== undefined ? path : place;
  return new Trouble(kind.says(named), { remedy: [kind.remedy] });
}
