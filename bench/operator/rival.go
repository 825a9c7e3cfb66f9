package main

import (
	"context"
	"flag"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/record"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

const finalizer = "tributary.dev/cleanup"

// The way of one Replication of mode Snapshot until its Job runs, and nothing of what comes after, as the book of
// kubebuilder would have it: finalizer, ConfigMap, Job, status, Event. Workers and caches are as many as the other's.
type reconciler struct {
	client.Client
	scheme *runtime.Scheme
	events record.EventRecorder
}

func rival(ctx context.Context, arguments []string) error {
	flags := flag.NewFlagSet("rival", flag.ExitOnError)
	kubeconfig := flags.String("kubeconfig", "", "of the API server")
	namespace := flags.String("namespace", "", "the only namespace to watch")
	metrics := flags.String("metrics-address", "127.0.0.1:9101", "serves /metrics")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	log.SetLogger(zap.New(zap.Level(zapErrors)))
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, addReplications} {
		if err := add(scheme); err != nil {
			return err
		}
	}
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		return err
	}
	config.QPS = -1 // as controller-runtime's own loader has it
	manager, err := ctrl.NewManager(config, ctrl.Options{
		Scheme:  scheme,
		Cache:   cache.Options{DefaultNamespaces: map[string]cache.Config{*namespace: {}}},
		Metrics: server.Options{BindAddress: *metrics},
	})
	if err != nil {
		return err
	}
	worker := &reconciler{manager.GetClient(), scheme, manager.GetEventRecorderFor("rival")}
	err = ctrl.NewControllerManagedBy(manager).For(&Replication{}).Owns(&batchv1.Job{}).
		WithOptions(controller.Options{MaxConcurrentReconciles: 8}).Complete(worker)
	if err != nil {
		return err
	}
	return manager.Start(ctx)
}

func (r *reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	object := &Replication{}
	if err := r.Get(ctx, request.NamespacedName, object); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if !object.DeletionTimestamp.IsZero() {
		before := object.DeepCopy()
		controllerutil.RemoveFinalizer(object, finalizer)
		return ctrl.Result{}, r.Patch(ctx, object, client.MergeFrom(before))
	}
	if !controllerutil.ContainsFinalizer(object, finalizer) {
		before := object.DeepCopy()
		controllerutil.AddFinalizer(object, finalizer)
		if err := r.Patch(ctx, object, client.MergeFrom(before)); err != nil {
			return ctrl.Result{}, err
		}
	}
	job := jobOf(object)
	err := r.Get(ctx, client.ObjectKeyFromObject(job), &batchv1.Job{})
	if apierrors.IsNotFound(err) {
		err = r.begin(ctx, object, job)
	}
	if err != nil {
		return ctrl.Result{}, err
	}
	return ctrl.Result{}, r.tell(ctx, object, job.Name)
}

func (r *reconciler) begin(ctx context.Context, object *Replication, job *batchv1.Job) error {
	settings := &corev1.ConfigMap{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"},
		ObjectMeta: metav1.ObjectMeta{Name: job.Name, Namespace: job.Namespace, Labels: job.Labels},
		Data:       map[string]string{"spec.json": object.settings()},
	}
	for _, child := range []client.Object{settings, job} {
		if err := controllerutil.SetControllerReference(object, child, r.scheme); err != nil {
			return err
		}
	}
	err := r.Patch(ctx, settings, client.Apply, client.FieldOwner("rival"), client.ForceOwnership)
	if err != nil {
		return err
	}
	return client.IgnoreAlreadyExists(r.Create(ctx, job))
}

func (r *reconciler) tell(ctx context.Context, object *Replication, job string) error {
	before := object.DeepCopy()
	object.Status.ObservedGeneration = object.Generation
	object.Status.Phase = "Pending"
	changed := false
	for kind, status := range map[string]metav1.ConditionStatus{"Ready": "False", "Reconciling": "True", "SnapshotComplete": "False"} {
		changed = meta.SetStatusCondition(&object.Status.Conditions, metav1.Condition{Type: kind, Status: status,
			ObservedGeneration: object.Generation, Reason: "Starting", Message: "job " + job + " is being created"}) || changed
	}
	if !changed && before.Status.ObservedGeneration == object.Generation {
		return nil
	}
	if err := r.Status().Patch(ctx, object, client.MergeFrom(before)); err != nil {
		return err
	}
	r.events.Event(object, corev1.EventTypeNormal, "Starting", "job "+job+" is being created")
	return nil
}
