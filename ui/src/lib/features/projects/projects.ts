import type { ProjectView } from '$lib/contract';

/** Whether the template that made a project is another one now. */
export function isDrifted(project: ProjectView): boolean {
  return project.state === 'drifted' || project.state === 'incomparable';
}

/** Those to look at first, then the others; each by its path. */
export function inOrder(projects: readonly ProjectView[]): ProjectView[] {
  return [...projects].sort(
    (a, b) => Number(isDrifted(b)) - Number(isDrifted(a)) || a.path.localeCompare(b.path),
  );
}
