package main

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var replications = schema.GroupVersionResource{Group: "tributary.dev", Version: "v1alpha1", Resource: "replications"}

const writers = 8 // of the driver at a time

func named(prefix string, from, to int) []string {
	var names []string
	for number := from; number < to; number++ {
		names = append(names, fmt.Sprintf("%s%05d", prefix, number))
	}
	return names
}

// each name with one of a few writers; the first error ends all.
func each(ctx context.Context, names []string, do func(context.Context, string) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan string)
	var all sync.WaitGroup
	for range writers {
		all.Add(1)
		go func() {
			defer all.Done()
			for name := range next {
				if err := do(ctx, name); err != nil {
					cancel(err)
				}
			}
		}()
	}
	for _, name := range names {
		select {
		case next <- name:
		case <-ctx.Done():
		}
	}
	close(next)
	all.Wait()
	return context.Cause(ctx)
}

func (d *driver) space(ctx context.Context, name string) error {
	_, err := d.typed.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{})
	return err
}

// The Secrets of each Replication, two of its own.
func (d *driver) secrets(ctx context.Context, space string, names []string) error {
	return each(ctx, names, func(ctx context.Context, name string) error {
		for _, end := range []string{"source", "target"} {
			secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name + "-" + end},
				StringData: map[string]string{"host": end + "-" + name, "dbname": "shop", "user": "postgres", "password": "secret"}}
			if _, err := d.typed.CoreV1().Secrets(space).Create(ctx, secret, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
				return err
			}
		}
		return nil
	})
}

func (d *driver) replications(ctx context.Context, space, mode string, names []string) error {
	return each(ctx, names, func(ctx context.Context, name string) error {
		object := &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "tributary.dev/v1alpha1", "kind": "Replication", "metadata": map[string]any{"name": name},
			"spec": map[string]any{"mode": mode,
				"source": map[string]any{"secretRef": map[string]any{"name": name + "-source"}},
				"target": map[string]any{"secretRef": map[string]any{"name": name + "-target"}}}}}
		_, err := d.dynamic.Resource(replications).Namespace(space).Create(ctx, object, metav1.CreateOptions{})
		return err
	})
}

// What the Replications of a namespace are, by name: how many are Ready, each one's version, and a digest of all but what a
// stream renews once a minute.
type population struct {
	ready    int
	versions map[string]string
	lasting  map[string]string
}

func (d *driver) look(ctx context.Context, space string) (population, error) {
	seen := population{versions: map[string]string{}, lasting: map[string]string{}}
	for next := ""; ; {
		page, err := d.dynamic.Resource(replications).Namespace(space).List(ctx, metav1.ListOptions{Limit: 500, Continue: next})
		if err != nil {
			return seen, err
		}
		for _, object := range page.Items {
			seen.take(object)
		}
		if next = page.GetContinue(); next == "" {
			return seen, nil
		}
	}
}

func (p *population) take(object unstructured.Unstructured) {
	name := object.GetName()
	p.versions[name] = object.GetResourceVersion()
	conditions, _, _ := unstructured.NestedSlice(object.Object, "status", "conditions")
	for _, each := range conditions {
		if condition, ok := each.(map[string]any); ok && condition["type"] == "Ready" && condition["status"] == "True" {
			p.ready++
		}
	}
	object.SetManagedFields(nil)
	object.SetResourceVersion("")
	unstructured.RemoveNestedField(object.Object, "status", "sync")
	text, _ := json.Marshal(object.Object)
	p.lasting[name] = string(text)
}

// How many objects were written, and how many of them otherwise than in status.sync.
func (p *population) against(before population) (written, changed int) {
	for name, version := range p.versions {
		if before.versions[name] != version {
			written++
		}
		if before.lasting[name] != p.lasting[name] {
			changed++
		}
	}
	return written, changed
}
