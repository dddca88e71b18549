// Package cart knows prices.
package cart

// Item is something to buy.
type Item struct {
	Cents, Count int
}

// Total is what all items cost together.
func Total(items []Item) int {
	total := 0
	for _, item := range items {
		total += item.Cents * item.Count
	}
	return total
}
