// Releases as the hub names them, and which two of them to compare.

export interface Release {
  /** `acme@3.2.0`. */
  name: string;
  pack: string;
  version: string;
}

export interface Compared {
  before: Release;
  after: Release;
}

export function parse(name: string): Release | null {
  const at = name.lastIndexOf('@');
  if (at <= 0 || at === name.length - 1) return null;
  return { name, pack: name.slice(0, at), version: name.slice(at + 1) };
}

/** By pack, the oldest first. What is no release is left out. */
export function sorted(names: readonly string[]): Release[] {
  const releases = names.map(parse).filter((one) => one !== null);
  return releases.sort((a, b) => a.pack.localeCompare(b.pack, 'en') || order(a.version, b.version));
}

/** As SemVer has it: by numbers, and a pre-release before its release. */
function order(a: string, b: string): number {
  const [first, other] = [split(a), split(b)];
  for (let place = 0; place < 3; place++) {
    const difference = (first.numbers[place] ?? 0) - (other.numbers[place] ?? 0);
    if (difference !== 0) return difference;
  }
  if (first.rest === other.rest) return 0;
  if (first.rest === '') return 1;
  if (other.rest === '') return -1;
  return first.rest.localeCompare(other.rest, 'en', { numeric: true });
}

function split(version: string): { numbers: number[]; rest: string } {
  const [core = '', ...rest] = (version.split('+')[0] ?? '').split('-');
  return { numbers: core.split('.').map(Number), rest: rest.join('-') };
}

/** The releases a release can be compared with. */
export function comparable(releases: readonly Release[], after: Release): Release[] {
  return releases.filter(({ pack, name }) => pack === after.pack && name !== after.name);
}

/** What was chosen, as far as it can be compared; else the newest release that has one before it. None where there are no two. */
export function compared(
  releases: readonly Release[],
  chosen: { before: string | null; after: string | null },
): Compared | null {
  const find = (name: string | null): Release | null => (name === null ? null : parse(name));
  const last = releases.findLast((one) => comparable(releases, one).length > 0) ?? null;
  const after = find(chosen.after) ?? last;
  if (!after) return null;
  const others = comparable(releases, after);
  const wanted = find(chosen.before);
  if (wanted && wanted.pack === after.pack && wanted.name !== after.name) return { before: wanted, after };
  const place = releases.findIndex(({ name }) => name === after.name);
  const before = others.findLast((one) => releases.indexOf(one) < place) ?? others[0];
  return before ? { before, after } : null;
}
