"use strict";

const assert = require("node:assert");
const { describe, it, test } = require("node:test");
const { total } = require("../cart.js");

test("an empty cart costs nothing", () => assert.equal(total([]), 0));

describe("a cart with items", () => {
  it("counts them", () => assert.equal(total([{ cents: 250, count: 2 }]), 500));
  it("adds them up", () => {
    assert.equal(total([{ cents: 250, count: 2 }, { cents: 99, count: 1 }]), 599);
  });
});
