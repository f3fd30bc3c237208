// Reads the Kubernetes files of an overlay as kustomize would put them together, as far as the tests ask.
import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { YAML } from 'bun';

/** Part of a manifest; the tests know what they look for in it. */
export interface Manifest {
  // biome-ignore lint/suspicious/noExplicitAny: the schema of Kubernetes is checked elsewhere; here its objects are walked through.
  [name: string]: any;
}

/** What one operation of a JSON patch says (RFC 6902); the overlays only replace. */
interface Replacement {
  readonly op: 'replace';
  readonly path: string;
  readonly value: unknown;
}

/** An overlay with all that it stands on. */
export interface Overlay {
  readonly objects: readonly Manifest[];
  /** Values of the generated maps by their names. */
  readonly maps: ReadonlyMap<string, ReadonlyMap<string, string>>;
  /** Files of secrets to be made, by the names of the secrets. */
  readonly secrets: ReadonlyMap<string, string>;
  readonly images: readonly { readonly name: string; readonly newTag: string }[];
}

/** The folder of a kustomization. Throws Error for a file that is not there or a patch that fits nothing. */
export function readOverlay(folder: string): Overlay {
  const file = YAML.parse(readFileSync(join(folder, 'kustomization.yaml'), 'utf8')) as Manifest;
  const parts = (file['resources'] as string[]).map((resource) => readResource(join(folder, resource)));
  const objects = parts.flatMap((part) => part.objects);
  const maps = new Map(parts.flatMap((part) => [...part.maps]));
  for (const { name, behavior, literals } of file['configMapGenerator'] ?? []) {
    if ((behavior === 'merge') !== maps.has(name)) throw new Error(`${folder}: ${name} is merged with nothing`);
    maps.set(name, new Map([...(maps.get(name) ?? []), ...literals.map((pair: string) => splitPair(pair))]));
  }
  for (const { target, patch } of file['patches'] ?? []) {
    const found = objects.filter(({ kind, metadata }) => kind === target.kind && metadata.name === target.name);
    if (found.length !== 1) throw new Error(`${folder}: a patch fits ${found.length} objects`);
    for (const replacement of YAML.parse(patch) as Replacement[]) replace(found[0] ?? {}, replacement);
  }
  const secrets = (file['secretGenerator'] ?? []).map(({ name, envs }: Manifest) => [name, join(folder, envs[0])]);
  return { objects, maps, secrets: new Map(secrets), images: file['images'] ?? parts.flatMap(({ images }) => images) };
}

function readResource(path: string): Overlay {
  if (!existsSync(path)) throw new Error(`${basename(dirname(path))} names ${basename(path)}, which is not there`);
  if (statSync(path).isDirectory()) return readOverlay(resolve(path));
  const documents = YAML.parse(readFileSync(path, 'utf8'));
  return { objects: [documents].flat(), maps: new Map(), secrets: new Map(), images: [] };
}

function splitPair(pair: string): [string, string] {
  const at = pair.indexOf('=');
  return [pair.slice(0, at), pair.slice(at + 1)];
}

function replace(object: Manifest, { op, path, value }: Replacement): void {
  const names = path.slice(1).split('/');
  const last = names.pop() ?? '';
  const holder = names.reduce<Manifest | undefined>((part, name) => part?.[name], object);
  if (op !== 'replace' || holder?.[last] === undefined) throw new Error(`nothing to ${op} at ${path}`);
  holder[last] = value;
}
