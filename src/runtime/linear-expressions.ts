// Has this process match expressions in linear time; for whoever imports it before the first request or question.
import { setFlagsFromString } from "node:v8";

// A pattern of the configuration that backtracks without end on some request continues on V8's linear engine, which can
// run whatever `compileRegex` makes.
setFlagsFromString("--enable-experimental-regexp-engine-on-excessive-backtracks");
