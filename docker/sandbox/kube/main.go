// Command kube is a one-node Kubernetes in one binary: the first argument chooses the component.
//
// Upstream ships each component as a program of its own, with most of the same code linked into
// each. One binary takes less time to build and less room.
package main

import (
	"context"
	"fmt"
	"os"
	"sort"
	"strings"

	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/coremain"
	_ "github.com/coredns/coredns/plugin/bind"
	_ "github.com/coredns/coredns/plugin/cache"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/forward"
	_ "github.com/coredns/coredns/plugin/kubernetes"
	"github.com/spf13/cobra"
	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	kubectl "k8s.io/kubectl/pkg/cmd"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllers "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"
)

func init() {
	// The order of CoreDNS's plugin chain; its own list names fifty that are not linked here.
	dnsserver.Directives = []string{"bind", "errors", "cache", "kubernetes", "forward"}
}

func run(command *cobra.Command) { os.Exit(cli.Run(command)) }

var components = map[string]func(){
	"etcd":        func() { etcdmain.Main(os.Args) },
	"apiserver":   func() { run(apiserver.NewAPIServerCommand()) },
	"controllers": func() { run(controllers.NewControllerManagerCommand()) },
	"scheduler":   func() { run(scheduler.NewSchedulerCommand()) },
	"kubelet":     func() { run(kubelet.NewKubeletCommand(context.Background())) },
	"proxy":       func() { run(proxy.NewProxyCommand()) },
	"dns":         coremain.Run,
	"kubectl":     func() { run(kubectl.NewDefaultKubectlCommand()) },
}

func main() {
	names := make([]string, 0, len(components))
	for name := range components {
		names = append(names, name)
	}
	sort.Strings(names)
	if len(os.Args) < 2 || components[os.Args[1]] == nil {
		fmt.Fprintf(os.Stderr, "usage: kube %s [flags]\n", strings.Join(names, "|"))
		os.Exit(2)
	}
	start := components[os.Args[1]]
	os.Args = os.Args[1:]
	start()
}
