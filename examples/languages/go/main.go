// A shop that tells the price of a cart.
package main

import (
	"fmt"
	"log"
	"net/http"

	"example.org/shop/cart"
	"example.org/shop/greeting"
)

func main() {
	http.HandleFunc("/", func(answer http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(answer, "%s Your cart: %d cents.\n", greeting.For("world"), cart.Total(nil))
	})
	log.Fatal(http.ListenAndServe(":8080", nil))
}
