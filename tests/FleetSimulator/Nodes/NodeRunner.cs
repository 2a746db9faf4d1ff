using ControlPlane.Adapters.Choria;
using ControlPlane.FleetSimulator.Agents;
using ControlPlane.FleetSimulator.Broker;
using ControlPlane.FleetSimulator.Faults;

namespace ControlPlane.FleetSimulator.Nodes;

/// <summary>Runs one node: starts it, lets its agents answer, restarts it, and does what its fault demands.</summary>
internal sealed class NodeRunner(int index, NodeProfile profile, SimulatedNode view, FleetEnvironment fleet, NodeFiles found) : ILinkListener
{
    private static readonly TimeSpan CrashPause = TimeSpan.FromSeconds(1);
    private static readonly string[] ProvisioningCollectives = [ChoriaSubjects.ProvisioningCollective];

    private readonly Lock gate = new();
    private readonly Random random = new(HashOf(fleet.Options.Seed, index));
    private readonly NodeTraffic traffic = new();
    private NodeFiles files = found;
    private NodeProcess? process;
    private BrokerSession? session;
    private LifecycleEvent? alive;
    private int callsUntilCrash = CallsUntilCrash(profile, fleet.Options.Seed, index);

    public SimulatedNode View => view;

    /// <summary>Starts the process: decides what it becomes, connects, announces it. Returns when it is announced.</summary>
    public async Task StartAsync()
    {
        Task subscribed;
        lock (gate)
        {
            view.Starts++;
            if (!TryBecome_NeedsGate(out var becoming))
            {
                return;
            }

            process = becoming;
            view.Stage = SimulatedNodeStage.Connecting;
            subscribed = Enter_NeedsGate(becoming);
        }

        await subscribed.WaitAsync(fleet.Stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!fleet.Stopping.IsCancellationRequested)
        {
            Announce();
        }
    }

    public void Receive(ReadOnlySpan<byte> payload)
    {
        lock (gate)
        {
            if (process is not { } running)
            {
                return;
            }

            traffic.Received++;
            traffic.ReceivedBytes += payload.Length;
            if (profile.Fault == NodeFault.Dead)
            {
                return;
            }

            if (fleet.Decoder.DecodeOrNull(payload) is not { } received)
            {
                traffic.Unvalidated++;
                return;
            }

            Serve_NeedsGate(received, new NodeView(profile, files, running, fleet.Now, random, fleet.Keys));
        }
    }

    /// <summary>Publishes the alive event, the same each time; nothing when the node does not run.</summary>
    public void SayAlive()
    {
        lock (gate)
        {
            if (alive is { } said && session is { } connected)
            {
                Publish_NeedsGate(connected, said.Subject, said.EncodeCloudEvent());
            }
        }
    }

    /// <summary>Ends the process without a word, as a crash or a stop of the simulator does.</summary>
    public void End()
    {
        lock (gate)
        {
            End_NeedsGate();
        }
    }

    private static int HashOf(int seed, int index) => unchecked((seed * 486187739) + (index * 16777619) + 1);

    // Somewhere between the first action on the node and the last: jwt, gen25519 or gencsr, configure, restart.
    private static int CallsUntilCrash(NodeProfile profile, int seed, int index) =>
        profile.Fault == NodeFault.RestartsMidway ? 1 + new Random(HashOf(seed + 1, index)).Next(4) : -1;

    private bool TryBecome_NeedsGate(out NodeProcess becoming)
    {
        var now = fleet.Now;
        becoming = new NodeProcess { IsProvisioning = true, Collectives = ProvisioningCollectives, StartedAt = now };
        switch (StartDecision.Take(profile, files, now))
        {
            case StartDecision.Provision provision:
                files = provision.Files;
                return true;
            case StartDecision.Serve:
                becoming = becoming with { IsProvisioning = false, Collectives = files.Configuration!.Collectives };
                return true;
            case StartDecision.Exit exit:
                (view.Stage, view.Problem) = (SimulatedNodeStage.Failed, exit.Reason);
                return false;
            default:
                throw new System.Diagnostics.UnreachableException();
        }
    }

    private Task Enter_NeedsGate(NodeProcess becoming)
    {
        var hosts = becoming.IsProvisioning ? profile.Token.Urls : files.Configuration!.MiddlewareHosts;
        var network = becoming.IsProvisioning ? ChoriaSubjects.ProvisioningCollective : hosts;
        var (entered, subscribed) = fleet.Sessions.Enter(
            index,
            network,
            () => new BrokerSession(BrokerAddress.ReadList(hosts), NodeCredentials.For(profile, files, becoming), fleet.Limits, new Random(random.Next())),
            profile.Identity,
            becoming.Collectives,
            this);
        session = entered;
        return subscribed;
    }

    private void Announce()
    {
        lock (gate)
        {
            if (process is not { } running || session is not { } connected)
            {
                return;
            }

            var now = fleet.Now;
            traffic.Broker = connected.Broker;
            var startup = NodeEvents.Make(LifecycleKind.Startup, profile, running, now, random);
            alive = NodeEvents.Make(LifecycleKind.Alive, profile, running, running.StartedAt, random);
            Publish_NeedsGate(connected, startup.Subject, startup.EncodeCloudEvent());
            view.Problem = null;
            if (running.IsProvisioning)
            {
                view.AnnouncedAt ??= now;
                view.Stage = SimulatedNodeStage.Provisioning;
            }
            else
            {
                view.ArrivedAt = now;
                view.Stage = SimulatedNodeStage.Arrived;
            }
        }
    }

    private void Serve_NeedsGate(ReceivedRequest received, NodeView node)
    {
        var verdict = RequestGate.Judge(received, node);
        if (verdict != GateVerdict.Serve)
        {
            Count(verdict);
            return;
        }

        traffic.Passed++;
        if (received.Request.Agent == NodeAgents.Discovery)
        {
            if (Discovery.IsPing(received.Request.Body.Span))
            {
                Reply_NeedsGate(received, Discovery.Pong);
            }

            return;
        }

        if (AgentCallReader.Read(received.Request, out var call) is { } unreadable)
        {
            Reply_NeedsGate(received, unreadable.ToBody(""));
            return;
        }

        using (call.Body)
        {
            if (NodeAgents.Answer(call.Call, node, traffic) is { } reaction)
            {
                React_NeedsGate(received, call.Call, reaction);
            }
        }
    }

    private void React_NeedsGate(ReceivedRequest received, AgentCall call, Reaction reaction)
    {
        CountCall(call.Action);
        var wasProvisioning = process!;
        process = reaction.Process ?? process;
        if (reaction.Files is { } changed)
        {
            files = changed;
            ShowFiles();
        }

        if (reaction.Event is { } kind)
        {
            var said = NodeEvents.Make(kind, profile, wasProvisioning, fleet.Now, random);
            Publish_NeedsGate(session!, said.Subject, said.EncodeCloudEvent());
        }

        var crashes = call.Agent == Agents.ProvisionAgent.Name && callsUntilCrash > 0 && --callsUntilCrash == 0;
        if (reaction.Reply is { } reply && !(crashes && random.Next(2) == 0))
        {
            Reply_NeedsGate(received, reply.ToBody(call.Action));
        }

        if (reaction.Departure is { } departure)
        {
            view.Stage = departure.StartsAgain ? SimulatedNodeStage.Restarting : view.Stage;
            _ = DepartAsync(departure);
        }
        else if (crashes)
        {
            view.Stage = SimulatedNodeStage.Restarting;
            End_NeedsGate();
            _ = DepartAsync(new Departure(true, profile.RestartDelay ?? CrashPause));
        }
    }

    private void Reply_NeedsGate(ReceivedRequest received, ReadOnlyMemory<byte> body)
    {
        if (received.Headers.ReplySubject is not { } subject || session is not { } connected || process is not { } running)
        {
            return;
        }

        if (profile.Fault == NodeFault.Lossy && random.NextDouble() < fleet.Options.LossRate)
        {
            return;
        }

        traffic.Replies++;
        var payload = NodeReplies.Encode(received, body, connected.Broker, new NodeView(profile, files, running, fleet.Now, random, fleet.Keys));
        if (profile.Fault == NodeFault.Slow)
        {
            _ = PublishLateAsync(connected, subject, payload);
            return;
        }

        Publish_NeedsGate(connected, subject, payload);
        if (profile.Fault == NodeFault.Duplicate)
        {
            Publish_NeedsGate(connected, subject, payload);
        }
    }

    private async Task PublishLateAsync(BrokerSession connected, string subject, byte[] payload)
    {
        if (await fleet.DelayAsync(fleet.Options.SlowDelay))
        {
            lock (gate)
            {
                Publish_NeedsGate(connected, subject, payload);
            }
        }
    }

    private async Task DepartAsync(Departure departure)
    {
        if (!await fleet.DelayAsync(departure.Delay))
        {
            return;
        }

        End();
        if (departure.StartsAgain)
        {
            await StartAsync();
        }
        else
        {
            view.Stage = SimulatedNodeStage.Stopped;
        }
    }

    private void End_NeedsGate()
    {
        process = null;
        alive = null;
        if (session is { } left)
        {
            fleet.Sessions.Leave(left, this);
            session = null;
        }
    }

    private void Publish_NeedsGate(BrokerSession connected, string subject, byte[] payload)
    {
        traffic.Sent++;
        traffic.SentBytes += payload.Length;
        connected.Publish(subject, payload);
    }

    private void Count(GateVerdict verdict)
    {
        switch (verdict)
        {
            case GateVerdict.Filtered:
                traffic.Filtered++;
                break;
            case GateVerdict.Expired:
                traffic.Expired++;
                break;
            default:
                traffic.Unvalidated++;
                break;
        }
    }

    private void CountCall(string action)
    {
        switch (action)
        {
            case "jwt":
                view.JwtCalls++;
                break;
            case "gen25519":
                view.Gen25519Calls++;
                break;
            case "gencsr":
                view.GencsrCalls++;
                break;
            case "configure":
                view.ConfigureCalls++;
                break;
            case "restart":
                view.RestartCalls++;
                break;
        }
    }

    private void ShowFiles()
    {
        view.PublicKeyFingerprint = files.PrivateKey?.Fingerprint;
        view.Ed25519PublicKey = files.Ed25519PublicKey;
        view.Certificate = files.Certificate;
        view.Network = files.Configuration is { MiddlewareHosts.Length: > 0 } configuration ? configuration.MiddlewareHosts : view.Network;
    }
}
