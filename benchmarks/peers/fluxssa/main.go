// Fluxssa applies the objects of the given files with Flux's ssa package, as its kustomize-controller does.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/fluxcd/cli-utils/pkg/kstatus/polling"
	"github.com/fluxcd/pkg/ssa"
	"github.com/fluxcd/pkg/ssa/utils"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// The controller's default (--concurrent-ssa).
const checksAtOnce = 4

func main() {
	for _, name := range os.Args[1:] {
		if err := apply(name); err != nil {
			fmt.Fprintln(os.Stderr, "error:", err)
			os.Exit(1)
		}
	}
}

func apply(name string) error {
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	if err != nil {
		return err
	}
	config.QPS, config.Burst = 1000, 1000
	cluster, err := client.New(config, client.Options{})
	if err != nil {
		return err
	}
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	objects, err := utils.ReadObjects(file)
	if err != nil {
		return err
	}
	owner := ssa.Owner{Field: "flux-bench", Group: "bench.example.com"}
	manager := ssa.NewResourceManager(cluster, (*polling.StatusPoller)(nil), owner)
	manager.SetConcurrency(checksAtOnce)
	changes, err := manager.ApplyAll(context.Background(), objects, ssa.DefaultApplyOptions())
	if err != nil {
		return err
	}
	count := map[string]int{}
	for _, entry := range changes.Entries {
		count[string(entry.Action)]++
	}
	fmt.Println(count)
	return nil
}
