import '@fontsource-variable/inter/wght.css';
import '@fontsource-variable/jetbrains-mono/wght.css';
import '$lib/shared/tokens.css';
import '$lib/shared/base.css';
import { mount } from 'svelte';
import { tauri } from '$lib/platform/tauri';
import App from './App.svelte';

const target = document.getElementById('app');
if (target) mount(App, { target, props: { platform: tauri } });
