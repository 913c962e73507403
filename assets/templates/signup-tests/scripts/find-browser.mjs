// Exit 0 and the path, if there is a browser that the tests can use.
import { findBrowser } from "./browser.mjs";

try {
  console.log(findBrowser());
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
