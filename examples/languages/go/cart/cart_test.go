package cart

import "testing"

func TestTotal(t *testing.T) {
	for name, one := range map[string]struct {
		items []Item
		total int
	}{
		"an empty cart costs nothing": {nil, 0},
		"items count":                 {[]Item{{Cents: 250, Count: 2}, {Cents: 99, Count: 1}}, 599},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Total(one.items); got != one.total {
				t.Errorf("Total = %d, want %d", got, one.total)
			}
		})
	}
}
