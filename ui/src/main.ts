import '@fontsource-variable/inter/wght.css';
import '@fontsource-variable/jetbrains-mono/wght.css';
import '$lib/shared/tokens.css';
import '$lib/shared/base.css';
import { tauri } from '$lib/platform/tauri';

// The core is asked before the screens are here: its answer and they arrive together.
const launching = tauri.call('launch', {});
const { open } = await import('./window');
if (document.readyState === 'loading') {
  await new Promise((resolve) => document.addEventListener('DOMContentLoaded', resolve, { once: true }));
}
await open(tauri, launching);
