package main

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/utils/ptr"
)

// Plays what a cluster does in one namespace: each Job gets a pod that has copied everything and ended, each Deployment one
// that runs.
type cluster struct {
	client kubernetes.Interface
	space  string
	pods   *atomic.Int64 // of all namespaces
	work   chan func() error
	mutex  sync.Mutex
	failed error
}

func play(ctx context.Context, client kubernetes.Interface, space string, pods *atomic.Int64) *cluster {
	c := &cluster{client: client, space: space, pods: pods, work: make(chan func() error, 100_000)}
	for range 8 {
		go c.run(ctx)
	}
	factory := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithNamespace(space))
	add := func(informer cache.SharedIndexInformer, do func(any) error) {
		_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
			AddFunc: func(object any) { c.work <- func() error { return do(object) } }})
		c.note(err)
	}
	add(factory.Batch().V1().Jobs().Informer(), func(object any) error { return c.finish(ctx, object.(*batchv1.Job)) })
	add(factory.Apps().V1().Deployments().Informer(), func(object any) error { return c.roll(ctx, object.(*appsv1.Deployment)) })
	factory.Start(ctx.Done())
	return c
}

func (c *cluster) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case do := <-c.work:
			if err := do(); ctx.Err() == nil {
				c.note(err)
			}
		}
	}
}

func (c *cluster) note(err error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.failed == nil {
		c.failed = err
	}
}

func (c *cluster) trouble() error {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.failed
}

func (c *cluster) pod(ctx context.Context, owner metav1.OwnerReference, template corev1.PodTemplateSpec, status corev1.PodStatus) error {
	number := int(c.pods.Add(1))
	pod := &corev1.Pod{ObjectMeta: template.ObjectMeta, Spec: template.Spec}
	pod.Name = fmt.Sprintf("%s-%d", owner.Name, number)
	pod.Namespace = c.space
	pod.OwnerReferences = []metav1.OwnerReference{owner}
	pod, err := c.client.CoreV1().Pods(c.space).Create(ctx, pod, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	status.PodIP = addressOfPod(number)
	status.PodIPs = []corev1.PodIP{{IP: status.PodIP}}
	status.StartTime = ptr.To(metav1.Now())
	pod.Status = status
	_, err = c.client.CoreV1().Pods(c.space).UpdateStatus(ctx, pod, metav1.UpdateOptions{})
	return err
}

func engine(state corev1.ContainerState, ready bool) []corev1.ContainerStatus {
	return []corev1.ContainerStatus{{Name: "engine", Image: "tributary:bench", State: state, Ready: ready}}
}

func (c *cluster) finish(ctx context.Context, job *batchv1.Job) error {
	now := metav1.Now()
	uid := job.Labels["tributary.dev/uid"]
	report := fmt.Sprintf(`{"version":1,"verb":"init","replication":"%s","exitCode":0,"outcome":"Done","reason":"SnapshotComplete",`+
		`"message":"40 tables copied","hint":"","consistency":"Snapshot","started":"%s","finished":"%s",`+
		`"totals":{"databases":1,"tables":40,"rows":1000000,"bytes":80000000},"databases":[],"findings":[],"checks":"Passed"}`,
		uid, now.UTC().Format(time.RFC3339), now.UTC().Format(time.RFC3339))
	ended := corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
		Reason: "Completed", Message: report, StartedAt: now, FinishedAt: now}}
	owner := *metav1.NewControllerRef(job, batchv1.SchemeGroupVersion.WithKind("Job"))
	err := c.pod(ctx, owner, job.Spec.Template, corev1.PodStatus{Phase: corev1.PodSucceeded, ContainerStatuses: engine(ended, false)})
	if err != nil {
		return err
	}
	condition := func(kind batchv1.JobConditionType) batchv1.JobCondition {
		return batchv1.JobCondition{Type: kind, Status: corev1.ConditionTrue, Reason: "CompletionsReached", LastTransitionTime: now, LastProbeTime: now}
	}
	job = job.DeepCopy()
	job.Status = batchv1.JobStatus{StartTime: &now, CompletionTime: &now, Succeeded: 1, Ready: ptr.To[int32](0),
		UncountedTerminatedPods: &batchv1.UncountedTerminatedPods{},
		Conditions:              []batchv1.JobCondition{condition(batchv1.JobSuccessCriteriaMet), condition(batchv1.JobComplete)}}
	_, err = c.client.BatchV1().Jobs(c.space).UpdateStatus(ctx, job, metav1.UpdateOptions{})
	return err
}

func (c *cluster) roll(ctx context.Context, deployment *appsv1.Deployment) error {
	running := corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.Now()}}
	owner := *metav1.NewControllerRef(deployment, appsv1.SchemeGroupVersion.WithKind("ReplicaSet"))
	err := c.pod(ctx, owner, deployment.Spec.Template, corev1.PodStatus{Phase: corev1.PodRunning, ContainerStatuses: engine(running, true),
		Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: metav1.Now()}}})
	if err != nil {
		return err
	}
	deployment = deployment.DeepCopy()
	deployment.Status = appsv1.DeploymentStatus{ObservedGeneration: deployment.Generation, Replicas: 1, UpdatedReplicas: 1, ReadyReplicas: 1, AvailableReplicas: 1}
	_, err = c.client.AppsV1().Deployments(c.space).UpdateStatus(ctx, deployment, metav1.UpdateOptions{})
	return err
}
