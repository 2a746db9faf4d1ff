using ControlPlane.Adapters.Choria;
using ControlPlane.FleetSimulator.Broker;
using ControlPlane.FleetSimulator.Faults;
using ControlPlane.FleetSimulator.Nodes;

namespace ControlPlane.FleetSimulator;

/// <summary>How far a simulated node has come.</summary>
public enum SimulatedNodeStage
{
    /// <summary>It has not started yet.</summary>
    Waiting,

    /// <summary>It tries to reach its broker.</summary>
    Connecting,

    /// <summary>It has announced itself and waits to be provisioned.</summary>
    Provisioning,

    /// <summary>It accepted a restart, or restarts by its own fault.</summary>
    Restarting,

    /// <summary>It serves on the network that it was configured for.</summary>
    Arrived,

    /// <summary>It was told to shut down.</summary>
    Stopped,

    /// <summary>It cannot start with what it was given, see <see cref="SimulatedNode.Problem"/>.</summary>
    Failed,
}

/// <summary>One node of a <see cref="SimulatedFleet"/>, as seen from outside. Values may be read at any time.</summary>
public sealed class SimulatedNode
{
    private const int ExecutionsMax = 1000;

    private readonly Dictionary<string, int> executions = new(StringComparer.Ordinal);
    private readonly Queue<string> executed = new();
    private string? failure;

    internal SimulatedNode(string identity, ChoriaProtocol protocol, SimulatedFault fault)
    {
        Identity = identity;
        Protocol = protocol;
        Fault = fault;
    }

    public string Identity { get; }

    public ChoriaProtocol Protocol { get; }

    public SimulatedFault Fault { get; }

    public SimulatedNodeStage Stage { get; internal set; }

    /// <summary>The brokers of the network on which it serves or was last told to serve; null before <c>configure</c>.</summary>
    public string? Network { get; private set; }

    /// <summary>Lower-case hexadecimal SHA-256 over the SubjectPublicKeyInfo of the RSA key on its disk; null without one.</summary>
    public string? PublicKeyFingerprint { get; internal set; }

    /// <summary>Lower-case hexadecimal ed25519 public key of the seed on its disk; null without one.</summary>
    public string? Ed25519PublicKey { get; private set; }

    /// <summary>The certificate on its disk, PEM; null without one.</summary>
    public string? Certificate { get; internal set; }

    /// <summary>The serial number of <see cref="Certificate"/>, upper-case hexadecimal as OpenSSL prints it; null without one.</summary>
    public string? CertificateSerial => Keys.NodeCertificates.SerialOrNull(Certificate);

    /// <summary>When its first startup event in provisioning mode was published.</summary>
    public DateTimeOffset? AnnouncedAt { get; internal set; }

    /// <summary>When its last startup event on a target network was published.</summary>
    public DateTimeOffset? ArrivedAt { get; internal set; }

    /// <summary>How often it has started.</summary>
    public int Starts { get; internal set; }

    public int JwtCalls { get; private set; }

    public int Gen25519Calls { get; private set; }

    public int GencsrCalls { get; private set; }

    public int ConfigureCalls { get; private set; }

    public int RestartCalls { get; private set; }

    /// <summary>What keeps it from starting or connecting; null when nothing does.</summary>
    public string? Problem => failure ?? (Stage == SimulatedNodeStage.Connecting ? Session?.LastFault : null);

    /// <summary>Whether it is meant to be enrolled, in spite of its fault if it has one.</summary>
    public bool MayArrive => FaultPlan.MayArrive(Fault);

    /// <summary>Its current or last connection; null before the first.</summary>
    internal BrokerSession? Session { get; set; }

    /// <summary>How often it has executed each request to <c>simulated#run</c>: of the last thousand.</summary>
    public IReadOnlyDictionary<string, int> Executions
    {
        get
        {
            lock (executions)
            {
                return new Dictionary<string, int>(executions);
            }
        }
    }

    /// <summary>How often it has executed a request.</summary>
    public int ExecutionsOf(string requestId)
    {
        lock (executions)
        {
            return executions.GetValueOrDefault(requestId);
        }
    }

    internal void CountExecution(string requestId)
    {
        lock (executions)
        {
            if (!executions.TryAdd(requestId, 1))
            {
                executions[requestId]++;
                return;
            }

            executed.Enqueue(requestId);
            if (executed.Count > ExecutionsMax)
            {
                executions.Remove(executed.Dequeue());
            }
        }
    }

    internal void Fail(string reason) => (failure, Stage) = (reason, SimulatedNodeStage.Failed);

    internal void Show(NodeFiles files)
    {
        PublicKeyFingerprint = files.PrivateKey?.Fingerprint;
        Ed25519PublicKey = files.Ed25519PublicKey;
        Certificate = files.Certificate;
        Network = files.Configuration is { MiddlewareHosts.Length: > 0 } configuration ? configuration.MiddlewareHosts : Network;
    }

    internal void CountCall(string action)
    {
        switch (action)
        {
            case "jwt":
                JwtCalls++;
                break;
            case "gen25519":
                Gen25519Calls++;
                break;
            case "gencsr":
                GencsrCalls++;
                break;
            case "configure":
                ConfigureCalls++;
                break;
            case "restart":
                RestartCalls++;
                break;
        }
    }
}
