using ControlPlane.Nodes;

namespace ControlPlane.TestKit.Provisioning;

/// <summary>Believes every token but those that a test spoils. A fake: it verifies nothing.</summary>
public sealed class FakeAttestor : INodeAttestor
{
    public Attestation Attest(string token, DateTimeOffset now) => token.Contains("forged", StringComparison.Ordinal)
        ? new Attestation.Refused(Refusal.TokenUntrusted, "its signature is not the issuer's")
        : new Attestation.Trusted("""{"extensions":{"customer":"acme"}}""", "choria");
}

/// <summary>Makes tokens that say whose they are. A fake: it signs nothing.</summary>
public sealed class FakeServerTokenIssuer : IServerTokenIssuer
{
    /// <summary>How long its tokens live; null: as long as is ordered.</summary>
    public TimeSpan? Life { get; init; }

    public ServerToken Issue(ServerTokenOrder order, DateTimeOffset now) =>
        new($"server token of {order.Identity} for {order.PublicKey}", now + (Life ?? order.Lifetime));
}

/// <summary>The nodes that a test expects; every document is signed.</summary>
public sealed class FakeExpectedNodes : IExpectedNodes
{
    public Dictionary<string, ExpectedNode> Nodes { get; } = new(StringComparer.Ordinal);

    public ExpectedNode? FindOrNull(string identity) => Nodes.GetValueOrDefault(identity);

    public bool IsSigned(string document, string signature) => signature == "signed";
}

/// <summary>Brokers as a test says that nodes will find them.</summary>
public sealed class FakeNodeLoginCheck : INodeLoginCheck
{
    /// <summary>Says why nodes of an identity's brokers would not come back; nothing speaks against it by default.</summary>
    public Func<NodeLogin, string?> Fault { get; set; } = _ => null;

    public Task<string?> FindFaultAsync(NodeLogin login, CancellationToken cancellationToken) => Task.FromResult(Fault(login));
}

/// <summary>Finds the nodes that a test put there, once per sweep.</summary>
public sealed class FakeDiscovery : IFleetDiscovery
{
    public IReadOnlyList<DiscoveredNode> Nodes { get; set; } = [];

    public async IAsyncEnumerable<DiscoveredNode> SweepAsync(
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (var node in Nodes)
        {
            await Task.Yield();
            yield return node;
        }
    }
}

/// <summary>Layers that a test wrote, and secrets by their path.</summary>
public sealed class FakeLayerFiles : ILayerFiles
{
    public IReadOnlyList<LayerFile> Files { get; set; } = [];

    public Dictionary<string, string> Secrets { get; } = new(StringComparer.Ordinal);

    public IReadOnlyList<LayerFile> Read(string? folder) => Files;

    public Task<string> ReadSecretAsync(string path, CancellationToken cancellationToken) =>
        Secrets.TryGetValue(path, out var secret) ? Task.FromResult(secret) : throw new IOException($"there is no {path}");
}
