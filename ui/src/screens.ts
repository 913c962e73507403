// The screens that nobody sees first: see `later.ts`.
export { default as Credentials } from '$lib/features/credentials/Credentials.svelte';
export { default as Doc } from '$lib/features/docs/Doc.svelte';
export { default as Docs } from '$lib/features/docs/Docs.svelte';
export { default as FirstLight } from '$lib/features/firstlight/FirstLight.svelte';
export { default as InsightsScreen } from '$lib/features/insights/InsightsScreen.svelte';
export { default as Privacy } from '$lib/features/privacy/Privacy.svelte';
export { default as Projects } from '$lib/features/projects/Projects.svelte';
export { default as Road } from '$lib/features/road/Road.svelte';
export { default as Settings } from '$lib/features/settings/Settings.svelte';
export { default as SurveyPanel } from '$lib/features/survey/SurveyPanel.svelte';
export { default as Step } from '$lib/features/step/Step.svelte';
