// Documents as a person meets them in the whole window.
import { render, screen, waitFor, within } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { beforeAll, expect, test } from 'vitest';
import { answers } from '$fixtures/answers';
import { reached, working } from '$fixtures/journeys';
import { harbour } from '$fixtures/docs';
import { projects } from '$fixtures/projects';
import { FakePlatform, refuse, type Answers } from '$fixtures/platform';
import type { JourneyView } from '$lib/contract';
import { Session } from '$lib/features/app/session.svelte';
import App from './App.svelte';
import { later } from './later';

beforeAll(() => later());

async function open(change: Answers = {}, at: JourneyView | null = working): Promise<FakePlatform> {
  const platform = new FakePlatform({ ...answers(at), ...change });
  render(App, { session: new Session(platform) });
  await waitFor(() => expect(screen.queryByText('One moment.')).toBeNull());
  return platform;
}

const heading = (name: string): Promise<HTMLElement> => screen.findByRole('heading', { level: 1, name });
const visit = (name: string): Promise<void> =>
  userEvent.click(within(screen.getByRole('navigation', { name: 'Screens' })).getByRole('button', { name }));
const press = async (name: string | RegExp): Promise<void> =>
  userEvent.click(await screen.findByRole('button', { name }));

async function read(change: Answers = {}): Promise<FakePlatform> {
  const platform = await open(change);
  await visit('Documents');
  await press(/^The harbour and its services/);
  await heading('The harbour and its services');
  return platform;
}

test('from the list to a document, its picture, its steps, and back', async () => {
  const platform = await read();
  expect(platform.argsOf('doc')).toEqual([{ document: 'docs/harbour.md' }]);
  const picture = screen.getByRole('img', { name: /A ship, a crane and a lorry/ });
  expect(picture).toHaveAttribute('src', '/pack-image/docs%2Fpictures%2Fharbour.png');
  expect(picture).toHaveAttribute('width', '720');
  await press('Clone orders-service');
  await heading('Clone orders-service');
  await userEvent.keyboard('{Escape}');
  await heading('The harbour and its services');
});

test('a picture that cannot be loaded is its description', async () => {
  await read();
  screen.getByRole('img', { name: /A ship/ }).dispatchEvent(new Event('error'));
  expect(await screen.findByText(/A ship, a crane and a lorry/)).toBeVisible();
  expect(screen.queryByRole('img', { name: /A ship/ })).toBeNull();
});

test('an address that a document names is opened by the core, and said if it cannot be', async () => {
  const platform = await read({
    open_doc_link: refuse({ code: 'program_missing', message: 'No program could be opened.' }),
  });
  await press('our Git server');
  expect(platform.argsOf('open_doc_link')).toEqual([
    { document: 'docs/harbour.md', url: 'https://git.harbour.test/orders' },
  ]);
  expect(await screen.findByText(/No program could be opened/)).toBeVisible();
});

test('the outline leads to a heading, and so does a hit of the search', async () => {
  await read();
  await userEvent.click(
    within(screen.getByRole('navigation', { name: 'In this document' })).getByRole('button', {
      name: 'Where they run',
    }),
  );
  expect(screen.getByRole('heading', { name: 'Where they run' })).toHaveFocus();
  await visit('Documents');
  await userEvent.type(await screen.findByLabelText('Search the documents'), 'vpn');
  expect(await screen.findByText('2 sections found.')).toBeInTheDocument();
  expect(screen.getAllByText('VPN', { selector: 'mark' })).toHaveLength(2);
});

test('Enter opens the best hit, Esc empties the field before it leads back', async () => {
  const platform = await open({ doc: () => ({ ...harbour, title: 'Reaching the VPN' }) });
  await visit('Documents');
  const field = await screen.findByLabelText('Search the documents');
  await userEvent.type(field, 'nothing at all{Enter}');
  expect(await screen.findByText('Nothing has all of “nothing at all”.')).toBeVisible();
  await userEvent.type(field, '{Escape}');
  expect(field).toHaveValue('');
  expect(screen.getByText('How we deploy')).toBeVisible();
  await userEvent.type(field, 'vpn{Enter}');
  await heading('Reaching the VPN');
  expect(platform.argsOf('doc')).toEqual([{ document: 'docs/vpn.md' }]);
});

test('a checklist without documents, no checklist, and a document that is gone say what to do', async () => {
  await open({ docs: () => ({ documents: [] }) });
  await visit('Documents');
  expect(await screen.findByText('This checklist has no documents.')).toBeVisible();
});

test('without a checklist there is the way to one', async () => {
  await open(answers(null, { pack: null }), null);
  await visit('Documents');
  expect(await screen.findByText('There is no checklist yet.')).toBeVisible();
});

test('a document that is gone is said, with a way back', async () => {
  await open({ doc: refuse({ code: 'usage', message: 'The pack has no document `docs/harbour.md`.' }) });
  await visit('Documents');
  await press(/^The harbour and its services/);
  expect(await screen.findByText(/The pack has no document/)).toBeVisible();
  await press('Try again');
  expect(await screen.findByText(/The pack has no document/)).toBeVisible();
});

test('the palette finds a document by its title', async () => {
  const platform = await open();
  await userEvent.keyboard('{Control>}k{/Control}');
  await userEvent.type(await screen.findByRole('combobox'), 'deploy');
  expect(await screen.findByRole('option', { name: /How we deploy/ })).toBeInTheDocument();
  await userEvent.keyboard('{Enter}');
  await waitFor(() => expect(platform.argsOf('doc')).toEqual([{ document: 'docs/deploying.md' }]));
});

test('Today says that templates have changed, and leads to what is different', async () => {
  await open({ templates: () => projects }, reached);
  expect(
    await screen.findByText('3 projects were made from templates that have changed since.'),
  ).toBeVisible();
  await press('See what is different');
  await heading('Projects from templates');
  expect(await screen.findByText('service: made from 1.4.0, now 2.0.0')).toBeVisible();
  expect(screen.getByText(/compared with your files as they are/)).toBeVisible();
  expect(screen.getByText(/it was deleted or moved/)).toBeVisible();
  expect(screen.getByText(/`team` is missing|team/)).toBeVisible();
});
