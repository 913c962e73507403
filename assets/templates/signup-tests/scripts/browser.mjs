// Finds the Chromium (or Chrome, or Edge) that is on this machine, and starts it without a window.
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";

import { FOLDER } from "./artifacts.mjs";

const PROGRAMS = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge"];

const PLACES = {
  darwin: [
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
  ],
  win32: ["ProgramFiles", "ProgramFiles(x86)", "LocalAppData"].flatMap((name) => {
    const base = process.env[name];
    return base === undefined
      ? []
      : [join(base, "Google/Chrome/Application/chrome.exe"), join(base, "Microsoft/Edge/Application/msedge.exe")];
  }),
};

/** The path of the browser. `BROWSER_PATH` in the environment chooses another one. */
export function findBrowser() {
  const chosen = process.env.BROWSER_PATH;
  if (chosen) {
    if (isProgram(chosen)) return chosen;
    throw new Error(`BROWSER_PATH is ${chosen}, and there is no program.`);
  }
  const suffix = process.platform === "win32" ? ".exe" : "";
  const folders = (process.env.PATH ?? "").split(delimiter).filter((folder) => folder !== "");
  const onPath = PROGRAMS.flatMap((program) => folders.map((folder) => join(folder, program + suffix)));
  const found = [...onPath, ...(PLACES[process.platform] ?? [])].find(isProgram);
  if (found === undefined) throw new Error("No Chromium, Chrome or Edge was found on this machine.");
  return found;
}

/** Options for playwright's `launch`: quiet, and without traffic of the browser's own. */
export function launchOptions() {
  const args = [
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ];
  // Chromium's sandbox refuses to run as root, as in a container. Anyone else keeps it.
  if (process.getuid?.() === 0) args.push("--no-sandbox");
  // Crash reports and caches stay with the artifacts instead of among your own browser's files.
  const env = { ...process.env, XDG_CONFIG_HOME: join(FOLDER, "browser"), XDG_CACHE_HOME: join(FOLDER, "browser") };
  return { executablePath: findBrowser(), headless: true, args, env, chromiumSandbox: process.getuid?.() !== 0 };
}

function isProgram(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
