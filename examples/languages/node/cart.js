"use strict";

/** What all items cost together, in cents. */
exports.total = (items) => items.reduce((sum, item) => sum + item.cents * item.count, 0);

/** How people read it. */
exports.price = (cents) => `${(cents / 100).toFixed(2)} €`;
