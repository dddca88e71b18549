"use strict";

const http = require("node:http");
const { price, total } = require("./cart.js");

http.createServer((_, answer) => answer.end(`Your cart: ${price(total([]))}\n`)).listen(8080);
