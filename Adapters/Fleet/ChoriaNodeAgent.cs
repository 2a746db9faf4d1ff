using System.Collections.Frozen;
using System.Security.Cryptography;
using System.Text;
using ControlPlane.Adapters.Choria;
using ControlPlane.Fleet;
using ControlPlane.Nodes;
using ControlPlane.Placement;
using Microsoft.Extensions.Options;

namespace ControlPlane.Adapters.Fleet;

/// <summary>Calls <c>choria_provision</c> and <c>rpcutil</c> of nodes by Choria's RPC.</summary>
internal sealed class ChoriaNodeAgent(
    NodeCalls calls,
    RegionCaller caller,
    SharedSecret secret,
    IOptions<FleetOptions> options,
    IOptionsMonitor<OverlaysOptions> overlays) : INodeAgent
{
    /// <summary>Callers wait this much longer than the agent's own timeout (Choria's discovery timeout).</summary>
    private static readonly TimeSpan Margin = TimeSpan.FromSeconds(2);

    private const int NonceBytes = 16;

    // By which a machine says who it is: each answers with a key of its own, made for the call.
    private static readonly FrozenSet<string> Contestable =
        FrozenSet.Create(ProvisionAgent.Jwt.Name, ProvisionAgent.Gen25519.Name, ProvisionAgent.Gencsr.Name);

    // Unprovisioned nodes do not check who asks: the network and the shared secret are what protects them.
    private readonly FrozenDictionary<NodeProtocol, FrozenDictionary<ChoriaProtocol, RequestSigner>> unsigned =
        new Dictionary<NodeProtocol, FrozenDictionary<ChoriaProtocol, RequestSigner>>
        {
            [NodeProtocol.V1] = Unsigned(ChoriaProtocol.V1),
            [NodeProtocol.V2] = Unsigned(ChoriaProtocol.V2),
            [NodeProtocol.Unknown] = Unsigned([.. SpokenProtocols.Of(options.Value)]),
        }.ToFrozenDictionary();

    public async Task<NodeTokenReply> FetchTokenAsync(string identity, NodeProtocol protocol, CancellationToken cancellationToken)
    {
        var (spoken, output) = await CallAsync(
            ProvisionAgent.Jwt, new SecretInput(secret.Value), identity, protocol, options.Value.ProbeTimeout, cancellationToken);
        return new NodeTokenReply(spoken == ChoriaProtocol.V1 ? NodeProtocol.V1 : NodeProtocol.V2, output.Jwt, output.EcdhPublic);
    }

    public async Task<string> FetchInventoryAsync(string identity, NodeProtocol protocol, CancellationToken cancellationToken)
    {
        var action = RpcutilAgent.Inventory;
        var reply = await SendAsync(action, new NoInput(), identity, protocol, action.Timeout + Margin, cancellationToken);
        var inventory = reply.Reply.Data;
        return inventory.Length <= InventoryReader.DocumentBytesMax
            ? Encoding.UTF8.GetString(inventory.Span)
            : throw TooLong($"its inventory has {inventory.Length} bytes, more than {InventoryReader.DocumentBytesMax}");
    }

    public async Task<SigningRequestReply> MakeSigningRequestAsync(
        string identity, NodeProtocol protocol, CancellationToken cancellationToken)
    {
        var input = new GencsrInput(secret.Value, identity);
        var (_, output) = await CallAsync(ProvisionAgent.Gencsr, input, identity, protocol, timeout: null, cancellationToken);
        return output.SigningRequestPem.Length <= ChoriaLimits.ConfigurePemCharactersMax
            ? new SigningRequestReply(output.SigningRequestPem, Path(output.SslDirectory))
            : throw TooLong($"its signing request has more than {ChoriaLimits.ConfigurePemCharactersMax} characters");
    }

    public async Task<Ed25519KeyReply> MakeEd25519KeyAsync(string identity, NodeProtocol protocol, CancellationToken cancellationToken)
    {
        var nonce = RandomNumberGenerator.GetHexString(NonceBytes * 2, lowercase: true);
        var input = new Gen25519Input(nonce, secret.Value);
        var (_, output) = await CallAsync(ProvisionAgent.Gen25519, input, identity, protocol, timeout: null, cancellationToken);
        return output.Proves(nonce)
            ? new Ed25519KeyReply(output.PublicKey, Path(output.Directory), output.Signature)
            : throw new KeyUnprovenException("its signature over our nonce is not of the Ed25519 key that it showed");
    }

    public async Task ConfigureAsync(
        string identity, NodeProtocol protocol, NodeConfiguration configuration, CancellationToken cancellationToken)
    {
        var input = new ConfigureInput
        {
            SettingsJson = ConfigureInput.EncodeSettings(configuration.Settings),
            CertificatePem = configuration.CertificatePem,
            ChainPem = configuration.ChainPem,
            SslDirectory = configuration.SslDirectory,
            ServerToken = configuration.ServerToken,
            ActionPolicies = configuration.ActionPolicies,
            OpaPolicies = configuration.OpaPolicies,
            Token = secret.Value,
        };
        if (configuration.PrivateKeyPem.Length > 0)
        {
            // The node forgets the key of each exchange with the next call of jwt: only the last one is good.
            var node = await FetchTokenAsync(identity, protocol, cancellationToken);
            using var exchange = NodeKeyExchange.Generate();
            using var key = RSA.Create();
            key.ImportFromPem(configuration.PrivateKeyPem);
            input = input with
            {
                EncryptedKeyPem = exchange.EncryptKey(key, node.EcdhPublicKey), EcdhPublic = exchange.PublicKeyHex,
            };
        }

        await SendAsync(ProvisionAgent.Configure, input, identity, protocol, timeout: null, cancellationToken);
    }

    public Task UpdateAsync(
        string identity, NodeProtocol protocol, string repository, string version, CancellationToken cancellationToken)
    {
        var input = new ReleaseUpdateInput(repository, secret.Value, version);
        return SendAsync(ProvisionAgent.ReleaseUpdate, input, identity, protocol, timeout: null, cancellationToken);
    }

    public Task RestartAsync(string identity, NodeProtocol protocol, CancellationToken cancellationToken) =>
        SendAsync(ProvisionAgent.Restart, new RestartInput(1, secret.Value), identity, protocol, timeout: null, cancellationToken);

    public Task ReprovisionAsync(string identity, NodeProtocol protocol, string overlay, CancellationToken cancellationToken) =>
        SendInOverlayAsync(ProvisionAgent.Reprovision, identity, protocol, overlay, cancellationToken);

    public Task ShutDownAsync(string identity, NodeProtocol protocol, string? overlay, CancellationToken cancellationToken) =>
        overlay is null
            ? SendAsync(ProvisionAgent.Shutdown, new SecretInput(secret.Value), identity, protocol, timeout: null, cancellationToken)
            : SendInOverlayAsync(ProvisionAgent.Shutdown, identity, protocol, overlay, cancellationToken);

    private Task<(ChoriaProtocol Spoken, RpcReply Reply)> SendInOverlayAsync(
        RpcAction<SecretInput, MessageOutput> action,
        string identity,
        NodeProtocol protocol,
        string overlay,
        CancellationToken cancellationToken)
    {
        var call = InOverlayOrNull(action, new SecretInput(secret.Value), identity, protocol, overlay)
            ?? throw new NodeRefusedException(
                NodeFault.Other,
                $"we cannot prove ourselves to provisioned nodes of protocol {SpokenBy(protocol)}; configure Fleet:CallerProof");
        return SendAsync(call, cancellationToken);
    }

    public async Task<OverlayAnswer?> AskInOverlayAsync(
        string identity, NodeProtocol protocol, string overlay, CancellationToken cancellationToken)
    {
        if (!calls.Reaches(overlay) || InOverlayOrNull(RpcutilAgent.Ping, new NoInput(), identity, protocol, overlay) is not { } call)
        {
            return null;
        }

        try
        {
            var (_, key) = await calls.AskAsync(call, cancellationToken);
            return new OverlayAnswer(key);
        }
        catch (NodeSilentException)
        {
            return null;
        }
    }

    public async Task<TimeSpan> HeardForAsync(string overlay, NodeProtocol protocol, CancellationToken cancellationToken)
    {
        string[] networks = [FleetStreams.ProvisioningNetwork, overlay];
        return caller.SignerOrNull(SpokenBy(protocol)) is null
            ? TimeSpan.Zero
            : (await Task.WhenAll(networks.Select(network => calls.HeardForAsync(network, cancellationToken)))).Min();
    }

    /// <summary>The call of a provisioned node, which believes only what is signed; null where we cannot sign.</summary>
    private NodeCall? InOverlayOrNull<TInput, TOutput>(
        RpcAction<TInput, TOutput> action, TInput input, string identity, NodeProtocol protocol, string overlay)
        where TInput : notnull
        where TOutput : notnull
    {
        var spoken = SpokenBy(protocol);
        return caller.SignerOrNull(spoken) is { } signer
            ? new NodeCall(
                overlay,
                CollectiveOf(overlays.CurrentValue.Members.GetValueOrDefault(overlay)),
                identity,
                action.Agent,
                action.Name,
                action.EncodeRequest(input),
                new Dictionary<ChoriaProtocol, RequestSigner> { [spoken] = signer },
                action.Timeout + Margin)
            : null;
    }

    /// <summary>The collective in which the nodes of an overlay are addressed.</summary>
    public static string CollectiveOf(OverlayOptions? overlay) => CollectivesOf(overlay)[0];

    /// <summary>All collectives that they are in.</summary>
    public static IReadOnlyList<string> CollectivesOf(OverlayOptions? overlay) => overlay?.Collectives ?? ["choria"];

    private static ChoriaProtocol SpokenBy(NodeProtocol protocol) => protocol == NodeProtocol.V1 ? ChoriaProtocol.V1 : ChoriaProtocol.V2;

    private async Task<(ChoriaProtocol Spoken, TOutput Output)> CallAsync<TInput, TOutput>(
        RpcAction<TInput, TOutput> action,
        TInput input,
        string identity,
        NodeProtocol protocol,
        TimeSpan? timeout,
        CancellationToken cancellationToken)
        where TInput : notnull
        where TOutput : notnull
    {
        var (spoken, reply) = await SendAsync(action, input, identity, protocol, timeout, cancellationToken);
        return action.TryReadOutput(reply, out var output, out var fault)
            ? (spoken, output)
            : throw new NodeRefusedException(NodeFault.Unreadable, $"its reply to {action.Agent}#{action.Name} cannot be read: {fault}");
    }

    private Task<(ChoriaProtocol Spoken, RpcReply Reply)> SendAsync<TInput, TOutput>(
        RpcAction<TInput, TOutput> action,
        TInput input,
        string identity,
        NodeProtocol protocol,
        TimeSpan? timeout,
        CancellationToken cancellationToken)
        where TInput : notnull
        where TOutput : notnull => SendAsync(
            new NodeCall(
                FleetStreams.ProvisioningNetwork,
                ChoriaSubjects.ProvisioningCollective,
                identity,
                action.Agent,
                action.Name,
                action.EncodeRequest(input),
                unsigned[protocol],
                timeout ?? action.Timeout + Margin)
            {
                IsContestable = Contestable.Contains(action.Name),
            },
            cancellationToken);

    private async Task<(ChoriaProtocol Spoken, RpcReply Reply)> SendAsync(NodeCall call, CancellationToken cancellationToken)
    {
        var (spoken, reply) = await calls.CallAsync(call, cancellationToken);
        return reply.IsOk
            ? (spoken, reply)
            : throw new NodeRefusedException(FaultOf(reply.StatusMessage), $"{call.Action}: {reply.StatusMessage}");
    }

    private static NodeFault FaultOf(string statusMessage) => statusMessage switch
    {
        ProvisionErrors.Locked => NodeFault.Locked,
        ProvisionErrors.WrongSecret => NodeFault.SecretMismatch,
        ProvisionErrors.NotProvisioning or ProvisionErrors.NotProvisioningForUpdate => NodeFault.NotProvisioning,
        ProvisionErrors.AlreadyProvisioning => NodeFault.AlreadyProvisioning,
        _ => NodeFault.Other,
    };

    // What a node says of itself is kept: each part has its limit where it enters.
    private static string Path(string directory) => directory.Length <= ChoriaLimits.PathCharactersMax
        ? directory
        : throw TooLong($"it names a directory of more than {ChoriaLimits.PathCharactersMax} characters");

    private static NodeRefusedException TooLong(string detail) => new(NodeFault.Unreadable, detail);

    private static FrozenDictionary<ChoriaProtocol, RequestSigner> Unsigned(params ChoriaProtocol[] protocols) =>
        protocols.ToFrozenDictionary(protocol => protocol, _ => RequestSigner.Insecure);
}
