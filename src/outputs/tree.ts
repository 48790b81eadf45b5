import type { OutputFile } from '../wire';

/** One visible row of the tree of output files. */
export interface ITreeRow {
  /** Path within the outputs: of the file, or of the folder without a slash at its end. */
  path: string;
  name: string;
  /** Depth, from 1. */
  level: number;
  file?: OutputFile;
  folder?: IFolder;
}

/** A folder with all that lies below it. */
export interface IFolder {
  path: string;
  name: string;
  folders: Map<string, IFolder>;
  files: OutputFile[];
  /** Known bytes of all files below, and how many files there are. */
  size: number;
  count: number;
}

/** Gather files into folders by the slashes in their names. */
export function buildTree(files: readonly OutputFile[]): IFolder {
  const root = emptyFolder('', '');
  for (const file of files) {
    const parts = file.name.split('/').filter(Boolean);
    let folder = root;
    count(folder, file);
    for (const part of parts.slice(0, -1)) {
      const path = folder.path ? `${folder.path}/${part}` : part;
      const child = folder.folders.get(part) ?? emptyFolder(path, part);
      folder.folders.set(part, child);
      folder = child;
      count(folder, file);
    }
    folder.files.push(file);
  }
  return root;
}

function emptyFolder(path: string, name: string): IFolder {
  return { path, name, folders: new Map(), files: [], size: 0, count: 0 };
}

function count(folder: IFolder, file: OutputFile): void {
  folder.size += file.size ?? 0;
  folder.count += 1;
}

const ORDER = new Intl.Collator(undefined, { numeric: true });

/** The rows to show: folders first, by name, those in `closed` without their contents. */
export function treeRows(root: IFolder, closed: ReadonlySet<string>): ITreeRow[] {
  const rows: ITreeRow[] = [];
  addRows(rows, root, closed, 1);
  return rows;
}

function addRows(rows: ITreeRow[], folder: IFolder, closed: ReadonlySet<string>, level: number): void {
  const folders = [...folder.folders.values()].sort((a, b) => ORDER.compare(a.name, b.name));
  for (const child of folders) {
    rows.push({ path: child.path, name: child.name, level, folder: child });
    if (!closed.has(child.path)) {
      addRows(rows, child, closed, level + 1);
    }
  }
  for (const file of [...folder.files].sort((a, b) => ORDER.compare(a.name, b.name))) {
    rows.push({ path: file.name, name: file.name.slice(file.name.lastIndexOf('/') + 1), level, file });
  }
}

/** Names of all files at or below a row. */
export function fileNames(row: ITreeRow): string[] {
  return row.file ? [row.file.name] : row.folder ? namesIn(row.folder) : [];
}

function namesIn(folder: IFolder): string[] {
  const below = [...folder.folders.values()].flatMap(namesIn);
  return [...below, ...folder.files.map(file => file.name)];
}

/** Whether a file lies in the workspace. */
export function isHere(file: OutputFile): boolean {
  return file.state === 'done' || file.state === 'unchanged';
}
