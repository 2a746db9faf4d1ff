using System.Text;
using ControlPlane.Adapters.Choria;
using ControlPlane.FleetSimulator.Agents;

namespace ControlPlane.FleetSimulator.Broker;

/// <summary>
/// The connection of one node, or of several that share it, to one network. Connects when the first node enters, comes back by
/// itself when the broker goes away, ends when the last node leaves.
/// </summary>
#pragma warning disable CA1001 // A cancellation source without timer or wait handle holds nothing to dispose of.
internal sealed class BrokerSession(IReadOnlyList<BrokerAddress> brokers, Credentials credentials, SessionLimits limits, Random random)
#pragma warning restore CA1001
{
    private const int SubjectBytesMax = 512;
    private static readonly TimeSpan FlushTimeout = TimeSpan.FromSeconds(5);

    private readonly Lock gate = new();
    private readonly List<Member> members = [];
    private readonly Dictionary<string, BroadcastFan> fans = [];
    private readonly CancellationTokenSource ending = new();
    private NatsLink? link;
    private bool started;

    /// <summary>Why the last attempt to connect failed; null when it did not.</summary>
    public string? LastFault { get; private set; }

    public int Reconnects { get; private set; }

    public bool HasEnded => ending.IsCancellationRequested;

    /// <summary>The URL of the broker it is connected to, or was last.</summary>
    public string Broker { get; private set; } = brokers.Count > 0 ? brokers[0].Url : "";

    /// <summary>Enters a node; false when the session has already ended. The task is done when its subscriptions are made.</summary>
    public bool TryEnter(string identity, IReadOnlyList<string> collectives, ILinkListener node, out Task subscribed)
    {
        var member = new Member(identity, collectives, node);
        subscribed = member.Subscribed.Task;
        lock (gate)
        {
            if (ending.IsCancellationRequested)
            {
                return false;
            }

            members.Add(member);
            if (link is not null)
            {
                Subscribe_NeedsGate(link, member);
            }

            if (!started)
            {
                started = true;
                _ = RunAsync();
            }

            return true;
        }
    }

    /// <summary>Takes a node out. What it published before is still sent.</summary>
    public void Leave(ILinkListener node)
    {
        NatsLink? last = null;
        lock (gate)
        {
            if (members.FirstOrDefault(member => member.Node == node) is not { } leaving)
            {
                return;
            }

            members.Remove(leaving);
            foreach (var collective in leaving.Collectives)
            {
                fans.GetValueOrDefault(collective)?.Remove(node);
            }

            if (members.Count > 0)
            {
                foreach (var subscription in leaving.Subscriptions)
                {
                    link?.Unsubscribe(subscription);
                }
            }
            else
            {
                ending.Cancel();
                last = link;
            }
        }

        if (last is not null)
        {
            _ = CloseWhenFlushedAsync(last);
        }
    }

    /// <summary>Publishes, or drops the message when there is no connection.</summary>
    public void Publish(string subject, ReadOnlySpan<byte> payload)
    {
        Span<byte> subjectBytes = stackalloc byte[SubjectBytesMax];
        if (!Encoding.UTF8.TryGetBytes(subject, subjectBytes, out var length))
        {
            return;
        }

        NatsLink? current;
        lock (gate)
        {
            current = link;
        }

        current?.Publish(subjectBytes[..length], payload);
    }

    /// <summary>The keep-alive of the client library; called for all connections by one timer.</summary>
    public void Ping()
    {
        lock (gate)
        {
            link?.Ping();
        }
    }

    private static async Task CloseWhenFlushedAsync(NatsLink last)
    {
        await last.FlushAsync().WaitAsync(FlushTimeout).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await last.DisposeAsync();
    }

    private async Task RunAsync()
    {
        var attempt = 0;
        while (!ending.IsCancellationRequested)
        {
            try
            {
                var opened = await OpenAsync(BrokerFor(attempt));
                attempt = 0;
                LastFault = null;
                if (!Join(opened))
                {
                    await opened.DisposeAsync();
                    return;
                }

                LastFault = await opened.Closed;
                lock (gate)
                {
                    link = null;
                    Reconnects++;
                }
            }
            catch (BrokerException refused)
            {
                LastFault = refused.Message;
            }
            catch (OperationCanceledException) when (ending.IsCancellationRequested)
            {
                return;
            }

            await Task.Delay(Backoff.Delay(attempt++, random), limits.Time, ending.Token)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private BrokerAddress BrokerFor(int attempt) =>
        brokers.Count > 0 ? brokers[attempt % brokers.Count] : throw new BrokerException("no broker is configured");

    private async Task<NatsLink> OpenAsync(BrokerAddress broker)
    {
        // A herd of thousands on two cores: those that may connect do so in good time, the others wait here instead of in TLS.
        await limits.Connecting.WaitAsync(ending.Token);
        try
        {
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(ending.Token);
            patience.CancelAfter(limits.ConnectTimeout);
            return await NatsLink.OpenAsync(broker, credentials, limits.ResumeTls, patience.Token);
        }
        catch (OperationCanceledException) when (!ending.IsCancellationRequested)
        {
            throw new BrokerException("nats: timeout");
        }
        finally
        {
            limits.Connecting.Release();
        }
    }

    private bool Join(NatsLink opened)
    {
        lock (gate)
        {
            if (ending.IsCancellationRequested)
            {
                return false;
            }

            link = opened;
            Broker = opened.Broker.Url;
            fans.Clear();
            foreach (var member in members)
            {
                Subscribe_NeedsGate(opened, member);
            }

            return true;
        }
    }

    // The order of the captured agents: per collective the agents' broadcasts, then the node's own subject.
    private void Subscribe_NeedsGate(NatsLink opened, Member member)
    {
        member.Subscriptions.Clear();
        foreach (var collective in member.Collectives)
        {
            var isFirst = !fans.TryGetValue(collective, out var fan);
            if (fan is null)
            {
                fans[collective] = fan = new BroadcastFan();
                foreach (var agent in NodeAgents.AsSubscribed)
                {
                    opened.Subscribe(Encoding.UTF8.GetBytes(ChoriaSubjects.Broadcast(collective, agent)), fan);
                }
            }

            fan.Add(member.Node);
            member.Subscriptions.Add(
                opened.Subscribe(Encoding.UTF8.GetBytes(ChoriaSubjects.Node(collective, member.Identity)), member.Node));
            if (isFirst && collective != ChoriaSubjects.ProvisioningCollective)
            {
                // Behind those of the captured agents, which do not have it.
                opened.Subscribe(Encoding.UTF8.GetBytes(ChoriaSubjects.Broadcast(collective, JobAgent.Name)), fan);
            }
        }

        member.Subscribed.TrySetResult();
    }

    private sealed record Member(string Identity, IReadOnlyList<string> Collectives, ILinkListener Node)
    {
        public List<int> Subscriptions { get; } = [];

        public TaskCompletionSource Subscribed { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
