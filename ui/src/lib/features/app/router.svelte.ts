// Where the person is. In memory: the window has no addresses and nothing outside can send it anywhere.

export type Route =
  | { name: 'welcome' }
  | { name: 'road' }
  | { name: 'today' }
  | { name: 'step'; step: string }
  | { name: 'first-light' }
  | { name: 'docs' }
  | { name: 'doc'; document: string; anchor?: string | undefined }
  | { name: 'projects' }
  | { name: 'credentials' }
  | { name: 'privacy' }
  /** What is looked at, as `?persona=backend`. */
  | { name: 'insights'; search: string }
  | { name: 'settings' };

export class Router {
  route = $state.raw<Route>({ name: 'welcome' });
  #before = $state.raw<Route[]>([]);

  get canGoBack(): boolean {
    return this.#before.length > 0;
  }

  go(route: Route): void {
    if (same(route, this.route)) return;
    this.#before = [...this.#before, this.route];
    this.route = route;
  }

  back(): void {
    const last = this.#before.at(-1);
    if (!last) return;
    this.#before = this.#before.slice(0, -1);
    this.route = last;
  }

  /** Goes there and forgets the way: after a journey began or ended, what lies behind no longer exists. */
  restart(route: Route): void {
    this.#before = [];
    this.route = route;
  }
}

function same(a: Route, b: Route): boolean {
  if (a.name === 'step' && b.name === 'step') return a.step === b.step;
  if (a.name === 'doc' && b.name === 'doc') return a.document === b.document && a.anchor === b.anchor;
  if (a.name === 'insights' && b.name === 'insights') return a.search === b.search;
  return a.name === b.name;
}
