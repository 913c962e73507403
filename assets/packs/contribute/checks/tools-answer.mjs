// node tools-answer.mjs PROGRAM…
//
// Starts each program with the option that makes it only say something, and exits 0 if each of them does.
// `linux:PROGRAM` is asked on Linux only.
import { spawnSync } from "node:child_process";
import { basename } from "node:path";

// What makes it answer, where that is not --version.
const QUESTION = { WebKitWebDriver: "--help", "tauri-driver": "--help", Xvfb: "-help", xauth: "version" };

const programs = process.argv
  .slice(2)
  .filter((program) => !program.startsWith("linux:") || process.platform === "linux")
  .map((program) => program.replace(/^linux:/, ""));
let silent = 0;
for (const program of programs) {
  const name = basename(program).replace(/\.exe$/, "");
  const { status, error, stdout, stderr } = spawnSync(program, [QUESTION[name] ?? "--version"], {
    encoding: "utf8",
    timeout: 20_000,
    stdio: ["ignore", "pipe", "pipe"],
  });
  if (error === undefined && status === 0) {
    console.log(`${name}: ${`${stdout}\n${stderr}`.trim().split("\n")[0]}`);
  } else {
    silent += 1;
    const cause = error?.code === "ENOENT" ? "it is not installed" : (error?.message ?? `exit code ${status}`);
    console.error(`${name} does not answer: ${cause}. ${(stderr ?? "").trim()}`.trim());
  }
}
process.exitCode = silent === 0 && programs.length > 0 ? 0 : 1;
