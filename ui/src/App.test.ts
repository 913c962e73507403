// A person's story through the whole window, on a core that answers from fixtures.
import { render, screen, waitFor, within } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { beforeAll, expect, test } from 'vitest';
import { answers } from '$fixtures/answers';
import { withoutHub } from '$fixtures/privacy';
import { asking, quiet, way } from '$fixtures/surveys';
import { credentials } from '$fixtures/credentials';
import {
  failed,
  interrupted,
  left,
  reached,
  reading,
  refused as refusedRequest,
  working,
} from '$fixtures/journeys';
import { launch } from '$fixtures/launch';
import { plan } from '$fixtures/plan';
import { FakePlatform, refuse, type Answers } from '$fixtures/platform';
import type { StepView } from '$lib/contract';
import { Session } from '$lib/features/app/session.svelte';
import App from './App.svelte';
import { later } from './later';

// As `window.ts` does it: after the first screen, and before anybody goes anywhere.
beforeAll(() => later());

async function open(given: Answers): Promise<FakePlatform> {
  const platform = new FakePlatform(given);
  render(App, { session: new Session(platform) });
  await waitFor(() => expect(screen.queryByText('One moment.')).toBeNull());
  return platform;
}

const heading = (name: string): Promise<HTMLElement> => screen.findByRole('heading', { level: 1, name });
const press = async (name: string): Promise<void> =>
  userEvent.click(await screen.findByRole('button', { name }));
const visit = (name: string): Promise<void> =>
  userEvent.click(within(screen.getByRole('navigation', { name: 'Screens' })).getByRole('button', { name }));

test('from Welcome by the road to Today, and at first value to First light', async () => {
  const platform = await open({ ...answers(null), start_run: () => reading, step: answers(reading).step });
  await heading('Welcome to Harbour');
  await press('See the road');
  expect(screen.getByText('Choose who you are.')).toBeVisible();
  expect(screen.getByText('Please answer this.')).toBeVisible();
  await userEvent.click(screen.getByRole('radio', { name: /^Developer/ }));
  await userEvent.type(screen.getByLabelText('Your work address'), 'ada@harbour.test');
  await press('See the road');

  await heading('The road');
  await waitFor(() => expect(screen.getByRole('heading', { level: 1, name: 'The road' })).toHaveFocus());
  expect(await screen.findByText(/7 steps, 5 of them automatic, about 40 min\./)).toBeVisible();
  expect(platform.argsOf('start_run')).toEqual([]);
  await press('Start');
  expect(platform.argsOf('start_run')).toEqual([
    {
      choice: {
        persona: 'developer',
        inputs: { workspace: '~/src', email: 'ada@harbour.test', editor: 'vscode' },
      },
      consent: plan.consent,
    },
  ]);

  await heading('Today');
  expect(await screen.findByText('How we work')).toBeVisible();
  platform.answers.complete_action = () => working;
  await press('I have read this');
  expect(platform.argsOf('complete_action')).toEqual([{ step: 'handbook' }]);

  platform.answers.report = answers(reached).report;
  platform.notify({ kind: 'journey', journey: reached });
  platform.notify({ kind: 'run', event: { type: 'first_value', step: 'serve', seconds: 11520 } });
  await heading('First light');
  expect(await screen.findAllByText(/^3 h 12 min to first value: 41 min hands-on/)).not.toHaveLength(0);
  await press('Go on to Week 1');
  await heading('Today');
});

test('a failed step says why and is tried again', async () => {
  const platform = await open(answers(failed));
  expect(await screen.findByText('The build ended with code 2.')).toBeVisible();
  platform.answers.retry_step = () => working;
  await press('Try again');
  expect(platform.argsOf('retry_step')).toEqual([{ step: 'build' }]);
  expect(await screen.findByText('Do this next')).toBeVisible();
});

test('a step that the machine does not allow says why, and is tried again', async () => {
  const reason = 'something else answers at 127.0.0.1:8080; stop it';
  const steps = failed.steps.map((step) =>
    step.id === 'build' ? { ...bare(step), state: 'blocked' as const, by: [], reason } : step,
  );
  const journey = { ...failed, steps };
  const platform = await open(answers(journey));
  expect(await screen.findByText('Something else answers at 127.0.0.1:8080; stop it.')).toBeVisible();
  platform.answers.retry_step = () => working;
  await press('Try again');
  expect(platform.argsOf('retry_step')).toEqual([{ step: 'build' }]);
});

/** A step without its state. */
function bare({ id, title, stage, class: kind, uses, first_value, best_effort }: StepView) {
  return { id, title, stage, class: kind, uses, first_value, best_effort };
}

test('help is read before it is copied or saved, and goes nowhere by itself', async () => {
  // With a clipboard of its own.
  const user = userEvent.setup();
  const platform = await open(answers(failed));
  await press('Open the step');
  await press('Get help');
  const dialog = within(
    await screen.findByRole('dialog', { name: 'Get help with “Build it”', hidden: true }),
  );
  expect(await dialog.findByText(/^For platform-team, who answers for this step/)).toBeInTheDocument();
  const text = await dialog.findByText(/^# Help for Firstlight/);
  await user.click(dialog.getByText('Copy'));
  expect(await navigator.clipboard.readText()).toBe(text.textContent);
  await user.click(dialog.getByText('Save…'));
  expect(await dialog.findByText('Written to /home/ada/firstlight-help.md.')).toBeInTheDocument();
  expect(platform.argsOf('help_bundle')).toEqual([{ step: 'build' }]);
  // What is saved is what the core gave: no text goes back.
  expect(platform.argsOf('save_help_bundle')).toEqual([{}]);
});

test('what a step has left to the person is ticked off', async () => {
  const platform = await open(answers(left));
  expect(await screen.findByText('Set your picture.')).toBeVisible();
  platform.answers.follow_up_done = () => ({ ...left, follow_ups: left.follow_ups.slice(0, 1), revision: 1 });
  await press('Done: Set your picture.');
  expect(platform.argsOf('follow_up_done')).toEqual([{ step: 'name' }]);
  await waitFor(() => expect(screen.queryByText('Set your picture.')).toBeNull());
  expect(screen.getByText('Left for you to do')).toBeVisible();
});

test('what did not work and nothing waits for is named, and stops nothing', async () => {
  await open(answers(left));
  expect(await screen.findByText('Everything that counts is done')).toBeVisible();
  expect(screen.getByText('Did not work, and nothing waits for it')).toBeVisible();
  expect(screen.getAllByRole('button', { name: 'See how on-call works' })[0]).toBeVisible();
});

test('what the doctor would set is read before it is set, and taken back', async () => {
  const platform = await open(answers(working));
  await visit('Settings');
  await press('See what would be set');
  const dialog = within(
    await screen.findByRole('dialog', { name: 'Set this for your tools?', hidden: true }),
  );
  expect(dialog.getByText('/home/ada/.npmrc')).toBeInTheDocument();
  expect(platform.argsOf('fix')).toEqual([]);
  await userEvent.click(dialog.getByText('Set this'));
  expect(platform.argsOf('fix')).toEqual([{ consent: 'f1x' }]);
  expect(await screen.findByText(/^Set\./)).toBeVisible();
  await press('Take it back');
  expect(platform.argsOf('undo_fix')).toEqual([{}]);
  expect(await screen.findByText(/^Taken back\./)).toBeVisible();
});

test('an interrupted run goes on only by the road', async () => {
  const platform = await open(answers(interrupted));
  await press('Go on');
  await heading('The road');
  await screen.findByText('Will change');
  expect(platform.argsOf('start_run')).toEqual([]);
  platform.answers.start_run = () => working;
  await press('Go on');
  await heading('Today');
  // The journey that started is another object, but the same choice: nothing is planned a second time.
  expect(platform.argsOf('make_plan')).toEqual([{ persona: 'developer', inputs: {} }]);
});

test('a run that reaches first value before its start is answered ends at first light', async () => {
  const over = { ...reached, revision: 2 };
  const platform = await open({ ...answers(interrupted), report: answers(reached).report });
  await press('Go on');
  await heading('The road');
  platform.answers.start_run = () => {
    platform.notify({ kind: 'journey', journey: over });
    platform.notify({ kind: 'run', event: { type: 'first_value', step: 'serve', seconds: 11520 } });
    return { ...working, revision: 1 };
  };
  await screen.findByText('Will change');
  await press('Go on');
  await heading('First light');
  expect(screen.queryByRole('heading', { level: 1, name: 'Today' })).toBeNull();
});

test('a run can be cancelled', async () => {
  const platform = await open(answers(working));
  await press('Cancel');
  expect(platform.argsOf('cancel_run')).toEqual([{}]);
});

test('L opens the log, but not while typing', async () => {
  await open(answers(working));
  const secret = await screen.findByLabelText('Registry token', { selector: 'input' });
  await userEvent.type(secret, 'l');
  expect(screen.queryByRole('log')).toBeNull();
  (secret as HTMLElement).blur();
  await userEvent.keyboard('l');
  expect(await screen.findByRole('log', { name: 'Log: Install its packages' })).toBeInTheDocument();
});

test('a letter by itself does nothing for whoever chose so', async () => {
  await open({
    ...answers(working),
    launch: () => ({ ...launch, journey: working, settings: { ...launch.settings, single_keys: false } }),
  });
  await heading('Today');
  await userEvent.keyboard('l');
  expect(screen.queryByRole('log')).toBeNull();
  await press('Show log');
  expect(await screen.findByRole('log', { name: 'Log: Install its packages' })).toBeInTheDocument();
});

test('the palette goes anywhere by keyboard alone, and Esc goes back', async () => {
  await open(answers(working));
  await userEvent.keyboard('{Control>}k{/Control}');
  await userEvent.keyboard('privacy{Enter}');
  await heading('Privacy');
  await userEvent.keyboard('{Escape}');
  await heading('Today');
});

test('undo asks first', async () => {
  const platform = await open(answers(working));
  const rail = screen.getByRole('navigation', { name: 'Your steps' });
  await userEvent.click(within(rail).getByRole('button', { name: /Clone orders-service/ }));
  await press('Undo');
  expect(platform.argsOf('undo_step')).toEqual([]);
  const dialog = await screen.findByRole('dialog', { name: 'Take back “Clone orders-service”?' });
  await userEvent.click(within(dialog).getByRole('button', { name: 'Undo' }));
  expect(platform.argsOf('undo_step')).toEqual([{ step: 'clone' }]);
});

test('a link step opens its own address through the core, and nothing else opens', async () => {
  const platform = await open(answers(reached));
  const rail = screen.getByRole('navigation', { name: 'Your steps' });
  await userEvent.click(within(rail).getByRole('button', { name: /See how on-call works/ }));
  await press('Open the link');
  expect(platform.argsOf('open_link')).toEqual([{ step: 'oncall' }]);
});

test('a credential can be tested and, once confirmed, removed', async () => {
  const platform = await open(answers(working));
  await visit('Credentials');
  await press('Test');
  expect(platform.argsOf('test_credential')).toEqual([{ name: 'registry-token' }]);
  await press('Remove');
  expect(platform.argsOf('remove_credential')).toEqual([]);
  const dialog = await screen.findByRole('dialog', { name: /Remove “Registry token”/ });
  await userEvent.click(within(dialog).getByRole('button', { name: 'Remove' }));
  expect(platform.argsOf('remove_credential')).toEqual([{ name: 'registry-token' }]);
});

test('sharing is paused by one press, and events can be read to the byte', async () => {
  const platform = await open(answers(working));
  await visit('Privacy');
  const event = (await answers(working).privacy({})).queued[0];
  expect(await screen.findByText(event?.body ?? '')).toBeInTheDocument();
  await press('Pause sharing');
  expect(platform.argsOf('set_sharing')).toEqual([{ sharing: 'paused' }]);
  expect(await screen.findByRole('button', { name: 'Resume sharing' })).toBeVisible();
});

test('a hub is joined with a code, sent to by hand, and left again', async () => {
  const platform = await open({ ...answers(working), privacy: () => withoutHub });
  await visit('Privacy');
  const join = await screen.findByRole('button', { name: 'Send to this hub' });
  expect(join).toBeDisabled();
  await userEvent.type(screen.getByLabelText('Address'), 'https://hub.harbour.test');
  await userEvent.type(screen.getByLabelText('Code'), 'ABCD-EFGH');
  await press('Send to this hub');
  expect(platform.argsOf('join_hub')).toEqual([{ address: 'https://hub.harbour.test', code: 'ABCD-EFGH' }]);
  expect(await screen.findByText(/Events go to https:\/\/hub.harbour.test/)).toBeVisible();
  await press('Send now');
  expect(platform.argsOf('send_events')).toEqual([{}]);
  expect(await screen.findByText('Nothing waits to be sent.')).toBeVisible();
  await press('Stop sending there');
  expect(await screen.findByLabelText('Code')).toHaveValue('');
});

test('the name those see whom a step waits for is given, and taken back', async () => {
  const platform = await open(answers(working));
  await visit('Privacy');
  const field = await screen.findByLabelText('Your name, for those your steps wait for');
  expect(screen.getByRole('button', { name: 'Give no name' })).toBeDisabled();
  await userEvent.type(field, 'Ada Lovelace');
  await press('Use this name');
  expect(platform.argsOf('ask_as')).toEqual([{ name: 'Ada Lovelace' }]);
  await userEvent.clear(field);
  await press('Give no name');
  expect(platform.argsOf('ask_as')).toEqual([{ name: 'Ada Lovelace' }, { name: '' }]);
});

test('who said no is said with their words, and words are only words', async () => {
  const steps = refusedRequest.steps.map((step) => {
    const answer = step.request?.answer;
    if (!step.request || !answer) return step;
    return { ...step, request: { ...step.request, answer: { ...answer, words: '<img src=x> **no**' } } };
  });
  await open(answers({ ...refusedRequest, steps }));
  expect(await screen.findByText(/Grace said no/)).toBeVisible();
  expect(screen.getByText('<img src=x> **no**')).toBeVisible();
});

test('why a hub does not take anything is said, and what was typed stays', async () => {
  const refused = { code: 'hub_refused', message: 'The hub knows no such code.', hint: 'Ask for another.' };
  await open({
    ...answers(working),
    privacy: () => withoutHub,
    join_hub: () => {
      throw refused;
    },
  });
  await visit('Privacy');
  await userEvent.type(await screen.findByLabelText('Address'), 'https://hub.harbour.test');
  await userEvent.type(screen.getByLabelText('Code'), 'ABCD');
  await press('Send to this hub');
  expect(await screen.findByText(refused.message)).toBeVisible();
  expect(screen.getByLabelText('Code')).toHaveValue('ABCD');
});

test('everything is deleted only after the word was typed, and then it begins anew', async () => {
  const platform = await open(answers(working));
  await visit('Privacy');
  await press('Delete everything');
  const dialog = await screen.findByRole('dialog', { name: 'Delete everything?' });
  const sure = within(dialog).getByRole('button', { name: 'Delete everything' });
  expect(sure).toBeDisabled();
  await userEvent.type(within(dialog).getByRole('textbox'), 'delet');
  expect(sure).toBeDisabled();
  await userEvent.type(within(dialog).getByRole('textbox'), 'e');
  platform.answers.launch = () => launch;
  await userEvent.click(sure);
  expect(platform.argsOf('delete_data')).toEqual([{}]);
  await heading('Welcome to Harbour');
});

test('the language changes at once, everywhere', async () => {
  await open(answers(working));
  await visit('Settings');
  await userEvent.selectOptions(await screen.findByLabelText('Language'), 'de');
  await heading('Einstellungen');
  expect(document.documentElement.lang).toBe('de');
});

test('a start that fails says what, why and what to do, and can be tried again', async () => {
  const platform = await open({
    launch: refuse({
      code: 'home_not_writable',
      message: 'The folder is read-only.',
      hint: 'Choose another.',
    }),
  });
  const problem = await screen.findByRole('alert');
  expect(problem).toHaveTextContent('The folder is read-only.');
  expect(problem).toHaveTextContent('Choose another.');
  expect(problem).toHaveTextContent('home_not_writable');
  platform.answers = answers(null);
  await press('Try again');
  await heading('Welcome to Harbour');
});

test('a kept credential that is refused now says what its test printed', async () => {
  const before = credentials.map((one) => ({ ...one }));
  const platform = await open(answers(working));
  const refusal = { at: '2026-11-23T09:00:00Z', ok: false, reason: 'Its test ended with code 7.' };
  platform.answers.test_credential = () => ({ ...refusal, last_lines: ['revoked on 2 May'] });
  platform.answers.credentials = () => before.map((one) => ({ ...one, last_test: refusal }));
  await visit('Credentials');
  await press('Test');
  const printed = await screen.findByRole('region', { name: 'The end of the output' });
  expect(printed).toHaveTextContent('revoked on 2 May');
  expect(screen.getAllByText('Its test ended with code 7.')).not.toHaveLength(0);
});

test('a survey comes without taking the keyboard, and is answered with it', async () => {
  const user = userEvent.setup();
  const platform = await open({ ...answers(reached), ...asking(way) });
  const panel = within(await screen.findByRole('region', { name: 'Your way to first value' }));
  expect(panel.getByText(/^Who sees the answers: Your platform team/)).toBeVisible();
  expect(panel.getByText(/^Confidential, not anonymous/)).toBeVisible();
  await waitFor(() => expect(screen.getByRole('heading', { level: 1, name: 'Today' })).toHaveFocus());

  const easy = panel.getByRole('group', { name: /^It was easy/ });
  within(easy).getByRole('radio', { name: '1: strongly disagree' }).focus();
  await user.keyboard(' {ArrowRight}{ArrowRight}');
  expect(within(easy).getByRole('radio', { name: '3' })).toBeChecked();
  await user.click(await panel.findByRole('checkbox', { name: 'Waiting for somebody' }));
  await user.type(panel.getByLabelText(/^What should be better/), 'Say who answers.');
  await press('Send');
  expect(await screen.findByText(/^Thank you\. It is sent/)).toBeVisible();
  expect(platform.argsOf('answer_survey')).toEqual([
    {
      submission: '01890a5d-ac96-774b-bcce-b302099a8057',
      answers: {
        easy: { form: 'score', score: 3 },
        'held-up': { form: 'choice', chosen: ['waiting'] },
        words: { form: 'text', text: 'Say who answers.' },
      },
    },
  ]);
});

test('Esc puts a survey away; one that is begun asks what is to become of it', async () => {
  const user = userEvent.setup();
  const platform = await open({ ...answers(reached), ...asking(way) });
  const radio = await screen.findByRole('radio', { name: '7: strongly agree' });
  await user.click(radio);
  await user.keyboard('{Escape}');
  const go = await screen.findByRole('button', { name: 'Go on answering' });
  await waitFor(() => expect(go).toHaveFocus());
  await user.keyboard('{Enter}');
  expect(screen.queryByText(/^You have begun/)).toBeNull();
  await user.keyboard('{Escape}');
  await screen.findByRole('button', { name: 'Go on answering' });
  await user.keyboard('{Escape}');
  expect(await screen.findByText(/^Put away\. What you had answered/)).toBeVisible();
  expect(platform.argsOf('put_survey_away')).toEqual([
    { submission: '01890a5d-ac96-774b-bcce-b302099a8057', begun: true },
  ]);
  expect(platform.argsOf('answer_survey')).toEqual([]);
  // The window stays where it was: that Esc was the survey's.
  expect(screen.getByRole('heading', { level: 1, name: 'Today' })).toBeVisible();
});

test('no survey comes while a step runs', async () => {
  const platform = await open({ ...answers(working), ...asking(way) });
  await heading('Today');
  expect(working.running).toBe(true);
  expect(platform.argsOf('show_survey')).toEqual([]);
});

test('feedback is a key away, says who reads it, and is about where one is', async () => {
  const user = userEvent.setup();
  const platform = await open({ ...answers(failed), surveys: () => quiet });
  await press('Open the step');
  await heading('Build it');
  await user.keyboard('f');
  const dialog = within(await screen.findByRole('dialog', { name: 'Say what you think', hidden: true }));
  expect(await dialog.findByText(/^Read by: platform-team/)).toBeInTheDocument();
  await user.type(dialog.getByLabelText(/^What should be better/), 'The build needs a hint.');
  expect(dialog.getByLabelText('Say that it is about “Build it”')).toBeChecked();
  await user.click(dialog.getByText('Send'));
  expect(await dialog.findByText(/^Thank you/)).toBeInTheDocument();
  expect(platform.argsOf('give_feedback')).toEqual([
    { text: 'The build needs a hint.', about: { about: 'step', step: 'build' } },
  ]);
});
