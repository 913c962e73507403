// Serves the sign-up page until you press Ctrl-C, so that you can try by hand what the tests try.
import { serveSite } from "./site.mjs";

const { url } = await serveSite(Number(process.env.PORT ?? "47614"));
console.log(`The sign-up page is at ${url}`);
