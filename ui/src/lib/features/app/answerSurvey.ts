import { toErrorBody } from '$lib/shared/failure';
import type { App } from './context';

/** Opens a survey that the person wants to answer, where surveys are. */
export async function answerSurvey({ session, router }: App, survey: string): Promise<void> {
  try {
    await session.surveys.open(survey);
    router.go({ name: 'today' });
  } catch (thrown) {
    session.problem = toErrorBody(thrown);
  }
}
