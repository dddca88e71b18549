package greeting

import "testing"

func TestFor(t *testing.T) {
	if got := For("Ada"); got != "Hello, Ada!" {
		t.Errorf("For = %q, want %q", got, "Hello, Ada!")
	}
}
