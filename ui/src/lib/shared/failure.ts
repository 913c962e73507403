import type { ErrorBody } from '$lib/contract';

/** What was thrown, as the error the person sees. The core rejects with an `ErrorBody`; anything else is our mistake. */
export function toErrorBody(thrown: unknown): ErrorBody {
  if (typeof thrown === 'object' && thrown !== null && 'code' in thrown && 'message' in thrown) {
    return thrown as ErrorBody;
  }
  return { code: 'internal', message: thrown instanceof Error ? thrown.message : String(thrown) };
}
