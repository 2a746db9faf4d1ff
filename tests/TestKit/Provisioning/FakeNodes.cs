using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ControlPlane.Nodes;

namespace ControlPlane.TestKit.Provisioning;

/// <summary>
/// Nodes that answer as <see cref="INodeAgent"/> promises, with the faults that a test gives them. A fake: no wire, no broker.
/// </summary>
public sealed class FakeNodes : INodeAgent
{
    private readonly ConcurrentDictionary<string, FakeNode> nodes = new(StringComparer.Ordinal);
    private int silentCalls;

    /// <summary>Whether anybody answers in a name; whoever does is kept.</summary>
    public Func<string, bool> IsAnyoneThere { get; set; } = _ => true;

    /// <summary>How often nobody was there.</summary>
    public int SilentCalls => silentCalls;

    /// <summary>For how long the networks have been there: always, unless a test has them away.</summary>
    public TimeSpan Hearing { get; set; } = TimeSpan.MaxValue;

    public FakeNode this[string identity] => nodes.GetOrAdd(identity, name => new FakeNode(name));

    public async Task<NodeTokenReply> FetchTokenAsync(string identity, NodeProtocol protocol, CancellationToken cancellationToken)
    {
        if (!IsAnyoneThere(identity))
        {
            Interlocked.Increment(ref silentCalls);
            throw new NodeSilentException("nobody is there");
        }

        var node = this[identity].Called("jwt");
        await node.AnswersAsync("jwt", cancellationToken);
        return new NodeTokenReply(node.Protocol, $"token of {identity}", "ecdh");
    }

    public async Task<string> FetchInventoryAsync(string identity, NodeProtocol protocol, CancellationToken cancellationToken)
    {
        var node = this[identity].Called("inventory");
        await node.AnswersAsync("inventory", cancellationToken);
        return $$"""{"facts":{"os":"Debian"},"version":"{{node.Version}}","upgradable":true}""";
    }

    public async Task<SigningRequestReply> MakeSigningRequestAsync(
        string identity, NodeProtocol protocol, CancellationToken cancellationToken)
    {
        var node = this[identity].Called("gencsr");
        await node.AnswersAsync("gencsr", cancellationToken);
        return new SigningRequestReply(node.MakeSigningRequest(), "/etc/choria/ssl");
    }

    public Task<Ed25519KeyReply> MakeEd25519KeyAsync(string identity, NodeProtocol protocol, CancellationToken cancellationToken)
    {
        var node = this[identity].Called("gen25519");
        return Task.FromResult(new Ed25519KeyReply(node.Ed25519PublicKey, "/etc/choria"));
    }

    public Task ConfigureAsync(string identity, NodeProtocol protocol, NodeConfiguration configuration, CancellationToken cancellationToken)
    {
        var node = this[identity].Called("configure");
        node.Configuration = configuration;
        return node.AnswersAsync("configure", cancellationToken);
    }

    public Task UpdateAsync(
        string identity, NodeProtocol protocol, string repository, string version, CancellationToken cancellationToken)
    {
        this[identity].Called("release_update").Version = version;
        return Task.CompletedTask;
    }

    public Task RestartAsync(string identity, NodeProtocol protocol, CancellationToken cancellationToken)
    {
        return this[identity].Called("restart").AnswersAsync("restart", cancellationToken);
    }

    public Task ReprovisionAsync(string identity, NodeProtocol protocol, string overlay, CancellationToken cancellationToken)
    {
        this[identity].Called($"reprovision in {overlay}");
        return Task.CompletedTask;
    }

    public Task ShutDownAsync(string identity, NodeProtocol protocol, string? overlay, CancellationToken cancellationToken)
    {
        this[identity].Called($"shutdown in {overlay ?? "provisioning mode"}");
        return Task.CompletedTask;
    }

    public Task<OverlayAnswer?> AskInOverlayAsync(
        string identity, NodeProtocol protocol, string overlay, CancellationToken cancellationToken)
    {
        var node = this[identity].Called($"ping in {overlay}");
        return Task.FromResult(node.LivesIn == overlay ? new OverlayAnswer(node.SignsWith) : null);
    }

    public Task<TimeSpan> HeardForAsync(string overlay, NodeProtocol protocol, CancellationToken cancellationToken) =>
        Task.FromResult(Hearing);
}

/// <summary>One of <see cref="FakeNodes"/>.</summary>
public sealed class FakeNode(string identity)
{
    private readonly ConcurrentQueue<string> calls = new();
    private readonly ConcurrentDictionary<string, ConcurrentQueue<Exception>> faults = new(StringComparer.Ordinal);

    private readonly ConcurrentDictionary<string, bool> unanswered = new(StringComparer.Ordinal);

    public NodeProtocol Protocol { get; set; } = NodeProtocol.V1;

    /// <summary>What it runs.</summary>
    public string Version { get; set; } = "0.30.2";

    /// <summary>The actions that were called, in order.</summary>
    public IReadOnlyCollection<string> Calls => calls;

    /// <summary>The overlay on whose network it answers; null while it is in provisioning mode or off.</summary>
    public string? LivesIn { get; set; }

    /// <summary>The key that it makes when it is asked for one.</summary>
    public string Ed25519PublicKey { get; set; } = new('a', 64);

    /// <summary>The key that it signs with on its overlay; null while it does not sign.</summary>
    public string? SignsWith { get; set; }

    /// <summary>What it was configured with last.</summary>
    public NodeConfiguration? Configuration { get; set; }

    /// <summary>The common name of its signing requests: its identity, unless a test makes it lie.</summary>
    public string CommonName { get; set; } = identity;

    /// <summary>SHA-256 of the SubjectPublicKeyInfo of the key that it made last, as <c>PublicKeyFingerprint</c> is written.</summary>
    public string? PublicKeyFingerprint { get; private set; }

    /// <summary>The next call of the action fails, after it was counted.</summary>
    public void FailNext(string action, Exception fault) => faults.GetOrAdd(action, _ => new()).Enqueue(fault);

    /// <summary>The next call of the action gets no answer, however long it waits.</summary>
    public void LeaveNextWithoutAnswer(string action) => unanswered[action] = true;

    internal Task AnswersAsync(string action, CancellationToken cancellationToken) =>
        unanswered.TryRemove(action, out _) ? Task.Delay(Timeout.Infinite, cancellationToken) : Task.CompletedTask;

    internal FakeNode Called(string action)
    {
        calls.Enqueue(action);
        return faults.TryGetValue(action, out var queue) && queue.TryDequeue(out var fault) ? throw fault : this;
    }

    internal string MakeSigningRequest()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        PublicKeyFingerprint = Convert.ToHexStringLower(SHA256.HashData(key.ExportSubjectPublicKeyInfo()));
        return new CertificateRequest($"CN={CommonName}", key, HashAlgorithmName.SHA256).CreateSigningRequestPem();
    }
}
