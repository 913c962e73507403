// The page that a hub serves at /insights and at /queue. It shares the window's screens and reaches nothing but the hub itself.
import '@fontsource-variable/inter/wght.css';
import '$lib/shared/tokens.css';
import '$lib/shared/base.css';
import { mount } from 'svelte';
import { desk, door, hub } from '$lib/platform/hub';
import HubPage from '../src/HubPage.svelte';

const place = location.pathname === '/queue' ? 'queue' : 'insights';
mount(HubPage, { target: document.body, props: { place, source: hub, desk, door } });
