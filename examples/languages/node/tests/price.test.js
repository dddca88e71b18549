"use strict";

const assert = require("node:assert");
const { test } = require("node:test");
const { price } = require("../cart.js");

test("a price has two digits after the point", () => assert.equal(price(599), "5.99 €"));
