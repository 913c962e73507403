import { expect, test } from 'vitest';
import { asking, quiet, recommend, surveyView, way } from '$fixtures/surveys';
import { FakePlatform, refuse, type Answers } from '$fixtures/platform';
import type { AnswerGiven } from '$lib/contract';
import { Surveys } from './surveys.svelte';

const sent = { answer_survey: ({ submission }) => ({ submission, reach: 'leaves' }) } satisfies Answers;
const score = (place: number): AnswerGiven => ({ form: 'score', score: place });
const ids = (surveys: Surveys): string[] => surveys.questions.map(({ id }) => id);
const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));

function open(answers: Answers): { platform: FakePlatform; surveys: Surveys; said: string[] } {
  const platform = new FakePlatform({ put_survey_away: () => ({}), ...sent, ...answers });
  const said: string[] = [];
  const surveys = new Surveys(platform.call.bind(platform), (words) => said.push(words));
  return { platform, surveys, said };
}

test('what the core says is due is shown once, and said aloud', async () => {
  const { platform, surveys, said } = open(asking(way));
  await Promise.all([surveys.look(), surveys.look()]);
  await surveys.look();
  expect(platform.argsOf('show_survey')).toEqual([{ survey: 'way' }]);
  expect([surveys.isVisible, surveys.called]).toEqual([true, false]);
  expect(said).toEqual(['A short survey is on this screen: Your way to first value. It can wait.']);
});

test('nothing is shown where nothing is due, and nobody is told that none could be', async () => {
  const { platform, surveys, said } = open({ surveys: () => quiet });
  await surveys.look();
  platform.answers.surveys = refuse({ code: 'internal', message: 'no' });
  await surveys.look();
  expect(platform.argsOf('show_survey')).toEqual([]);
  expect([surveys.view, said]).toEqual([null, []]);
});

test('one that was shown before the window was drawn anew is there again', async () => {
  const { platform, surveys } = open({ ...asking(way), surveys: () => ({ ...quiet, shown: way }) });
  await surveys.look();
  expect(platform.argsOf('show_survey')).toEqual([{ survey: 'way' }]);
});

test('the core says which questions are seen, and only those are sent', async () => {
  const { platform, surveys } = open(asking(way));
  await surveys.look();
  expect(ids(surveys)).toEqual(['easy']);
  surveys.answer('easy', score(3));
  await settled();
  expect(ids(surveys)).toEqual(['easy', 'held-up', 'words']);
  surveys.answer('words', { form: 'text', text: 'Slow.' });
  surveys.answer('easy', score(7));
  // Sending waits for what the core says of the last answer.
  expect(await surveys.send()).toBe(true);
  expect(platform.argsOf('answer_survey')).toEqual([
    { submission: surveyView(way).submission, answers: { easy: score(7) } },
  ]);
  expect([surveys.view, surveys.outcome]).toEqual([null, { kind: 'sent', reach: 'leaves' }]);
});

test('an answer that is overtaken changes nothing', async () => {
  let release: (() => void) | undefined;
  const { platform, surveys } = open(asking(way));
  await surveys.look();
  const late = new Promise<void>((resolve) => (release = resolve));
  platform.answers.survey_questions = async () => {
    await late;
    return { questions: [] };
  };
  surveys.answer('easy', score(1));
  platform.answers.survey_questions = asking(way).survey_questions;
  surveys.answer('easy', score(2));
  await settled();
  release?.();
  await settled();
  expect(ids(surveys)).toEqual(['easy', 'held-up', 'words']);
});

test('nothing is sent while nothing is answered', async () => {
  const { platform, surveys } = open(asking(way));
  await surveys.look();
  surveys.answer('easy', score(3));
  surveys.answer('easy', null);
  expect(await surveys.send()).toBe(false);
  expect(platform.argsOf('answer_survey')).toEqual([]);
});

test('putting it away says whether it was begun, and sends no answer', async () => {
  for (const begun of [false, true]) {
    const { platform, surveys } = open(asking(way));
    await surveys.look();
    if (begun) surveys.answer('easy', score(3));
    await surveys.putAway();
    expect(platform.argsOf('put_survey_away')).toEqual([{ submission: surveyView(way).submission, begun }]);
    expect([surveys.view, surveys.outcome]).toEqual([null, { kind: 'put_away', begun }]);
  }
});

test('what could not be sent stays as it was answered', async () => {
  const { surveys } = open({
    ...asking(way),
    answer_survey: refuse({ code: 'disk_full', message: 'full' }),
  });
  await surveys.look();
  surveys.answer('easy', score(7));
  expect(await surveys.send()).toBe(false);
  expect(surveys.sending.error?.code).toBe('disk_full');
  expect(surveys.answers).toEqual({ easy: score(7) });
});

test('while something needs the person it steps aside, unless they began it or wanted it', async () => {
  const busy = { ...quiet, quiet: false };
  const { platform, surveys } = open(asking(way));
  await surveys.look();
  platform.answers.surveys = () => busy;
  await surveys.look();
  expect(surveys.isVisible).toBe(false);
  surveys.answer('easy', score(7));
  expect(surveys.isVisible).toBe(true);
  surveys.answer('easy', null);
  await surveys.open('way');
  expect([surveys.isVisible, surveys.called]).toEqual([true, true]);
});

test('another one that the person wants puts the first away', async () => {
  const { platform, surveys } = open(asking(way));
  await surveys.look();
  platform.answers.show_survey = () => surveyView(recommend);
  await surveys.open('recommend');
  expect(platform.argsOf('put_survey_away')).toHaveLength(1);
  expect([surveys.view?.id, surveys.outcome]).toEqual(['recommend', null]);
});
