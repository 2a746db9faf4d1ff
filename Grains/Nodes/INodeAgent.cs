namespace ControlPlane.Nodes;

/// <summary>
/// The <c>choria_provision</c> and <c>rpcutil</c> agents of one node, called over the provisioning network or an overlay's.
/// </summary>
/// <remarks>
/// Each call is one request with one deadline; the first reply counts, and the node's grain is told of another that differs. The caller
/// identity on the wire is the overlay's, so that any of its silos may go on within the node's two-minute lock. Thread-safe.
/// </remarks>
public interface INodeAgent
{
    /// <summary>
    /// <c>choria_provision#jwt</c>. Repeatable. With <see cref="NodeProtocol.Unknown"/> it asks in every enabled protocol at once,
    /// and the reply tells which one the node speaks.
    /// </summary>
    /// <exception cref="NodeSilentException">No reply within the deadline: the node is dead, busy or speaks another protocol.</exception>
    /// <exception cref="NodeRefusedException">The node answered with an error.</exception>
    /// <exception cref="NetworkUnavailableException">We could not ask, or not hear: nothing is known of the node.</exception>
    Task<NodeTokenReply> FetchTokenAsync(string identity, NodeProtocol protocol, CancellationToken cancellationToken);

    /// <summary><c>rpcutil#inventory</c>, as the JSON object that the node sent. Repeatable.</summary>
    /// <inheritdoc cref="FetchTokenAsync" path="/exception"/>
    Task<string> FetchInventoryAsync(string identity, NodeProtocol protocol, CancellationToken cancellationToken);

    /// <summary><c>choria_provision#gencsr</c>. Not repeatable without loss: the node makes a new key each time.</summary>
    /// <inheritdoc cref="FetchTokenAsync" path="/exception"/>
    Task<SigningRequestReply> MakeSigningRequestAsync(string identity, NodeProtocol protocol, CancellationToken cancellationToken);

    /// <summary>
    /// <c>choria_provision#gen25519</c>; the proof of possession over a fresh nonce is verified. Not repeatable without loss: the node
    /// makes a new key each time.
    /// </summary>
    /// <exception cref="KeyUnprovenException">The signature over the nonce is not of the key that was shown.</exception>
    /// <inheritdoc cref="FetchTokenAsync" path="/exception"/>
    Task<Ed25519KeyReply> MakeEd25519KeyAsync(string identity, NodeProtocol protocol, CancellationToken cancellationToken);

    /// <summary><c>choria_provision#configure</c>. Repeatable with the same arguments.</summary>
    /// <inheritdoc cref="FetchTokenAsync" path="/exception"/>
    Task ConfigureAsync(string identity, NodeProtocol protocol, NodeConfiguration configuration, CancellationToken cancellationToken);

    /// <summary><c>choria_provision#restart</c> with a splay of 1. Repeatable.</summary>
    /// <inheritdoc cref="FetchTokenAsync" path="/exception"/>
    Task RestartAsync(string identity, NodeProtocol protocol, CancellationToken cancellationToken);

    /// <summary>
    /// <c>choria_provision#release_update</c>: it fetches a version, takes its own program's place and starts anew. Repeatable. It may be
    /// silent although it does so: fetching takes longer than its agent may.
    /// </summary>
    /// <inheritdoc cref="FetchTokenAsync" path="/exception"/>
    Task UpdateAsync(string identity, NodeProtocol protocol, string repository, string version, CancellationToken cancellationToken);

    /// <summary><c>choria_provision#reprovision</c> on the network of the overlay that the node lives in. Repeatable.</summary>
    /// <inheritdoc cref="FetchTokenAsync" path="/exception"/>
    Task ReprovisionAsync(string identity, NodeProtocol protocol, string overlay, CancellationToken cancellationToken);

    /// <summary>
    /// <c>choria_provision#shutdown</c>: the process ends within ten seconds and stays off until somebody starts it. On the network of an
    /// overlay, or in provisioning mode when that is null. Repeatable.
    /// </summary>
    /// <inheritdoc cref="FetchTokenAsync" path="/exception"/>
    Task ShutDownAsync(string identity, NodeProtocol protocol, string? overlay, CancellationToken cancellationToken);

    /// <summary><c>rpcutil#ping</c> on the network of an overlay. Repeatable.</summary>
    /// <returns>
    /// Who answered, be it with an error: one that does not let us ask is there all the same. Null when nobody did, and where nobody can
    /// be asked: the overlay is none of ours (any more), or we cannot sign what provisioned nodes believe.
    /// </returns>
    /// <exception cref="NetworkUnavailableException">We could not ask, or not hear: nothing is known of the node.</exception>
    Task<OverlayAnswer?> AskInOverlayAsync(string identity, NodeProtocol protocol, string overlay, CancellationToken cancellationToken);

    /// <summary>
    /// For how long this silo has heard both an overlay's network and the provisioning network without a break: a node that was silent for
    /// all that time is on neither. Zero while one is away, and where <see cref="AskInOverlayAsync"/> can ask nobody.
    /// </summary>
    Task<TimeSpan> HeardForAsync(string overlay, NodeProtocol protocol, CancellationToken cancellationToken);
}

/// <summary>Finds nodes in provisioning mode by Choria's broadcast discovery.</summary>
public interface IFleetDiscovery
{
    /// <summary>Asks once, in every enabled protocol, and yields who answers until the window closes. Repeatable.</summary>
    /// <exception cref="NetworkUnavailableException">Nobody could be asked.</exception>
    IAsyncEnumerable<DiscoveredNode> SweepAsync(CancellationToken cancellationToken);
}

/// <param name="Identity">As the transport header of the reply names it.</param>
/// <param name="Protocol">The protocol of the reply.</param>
/// <param name="At">When the reply came, by our clock.</param>
public sealed record DiscoveredNode(string Identity, NodeProtocol Protocol, DateTimeOffset At);

/// <param name="Protocol">The protocol that the node answered in.</param>
/// <param name="Token">The node's provisioning token, not yet verified.</param>
/// <param name="EcdhPublicKey">Lower-case hexadecimal X25519 key of this call, for sending it a private key.</param>
public sealed record NodeTokenReply(NodeProtocol Protocol, string Token, string EcdhPublicKey);

/// <summary>A node's answer on the network of its overlay.</summary>
/// <param name="Key">
/// The Ed25519 key that provably signed it, in lower-case hexadecimal; null where nodes do not sign. Then it proves only that somebody whom
/// the overlay's broker lets hear what is sent to this node, and answer it, is there.
/// </param>
public sealed record OverlayAnswer(string? Key)
{
    /// <summary>Whether it is of the node that has a key; any answer is where nodes do not sign, or the node has none (v1).</summary>
    /// <remarks>Refusing a newcomer wrongly costs a delay; believing it wrongly costs the living node its certificate.</remarks>
    public bool IsBy(string? ed25519PublicKey) =>
        Key is null || ed25519PublicKey is null || string.Equals(Key, ed25519PublicKey, StringComparison.OrdinalIgnoreCase);
}

/// <param name="SigningRequestPem">The PKCS#10 request, as received.</param>
/// <param name="SslDirectory">Where the node keeps its TLS files.</param>
public sealed record SigningRequestReply(string SigningRequestPem, string SslDirectory);

/// <param name="PublicKey">Lower-case hexadecimal Ed25519 public key, proven to be held.</param>
/// <param name="Directory">The node's configuration directory.</param>
/// <param name="Signature">The proof, in hexadecimal.</param>
public sealed record Ed25519KeyReply(string PublicKey, string Directory, string Signature = "");

/// <summary>The arguments of <c>choria_provision#configure</c>; empty strings are sent for what is not given.</summary>
/// <param name="Settings">The lines of <c>server.conf</c>.</param>
/// <param name="CertificatePem">The node's certificate.</param>
/// <param name="ChainPem">The CA certificates that it trusts.</param>
/// <param name="SslDirectory">Where to write both.</param>
/// <param name="ServerToken">The server token (JWT).</param>
/// <param name="ActionPolicies">File name, ending in <c>.policy</c>, to text.</param>
/// <param name="OpaPolicies">File name, ending in <c>.rego</c>, to text.</param>
public sealed record NodeConfiguration(
    IReadOnlyDictionary<string, string> Settings,
    string CertificatePem,
    string ChainPem,
    string SslDirectory,
    string ServerToken,
    IReadOnlyDictionary<string, string> ActionPolicies,
    IReadOnlyDictionary<string, string> OpaPolicies)
{
    /// <summary>An RSA key in place of the node's own, in PEM; it is encrypted for the node on its way. Empty by default.</summary>
    public string PrivateKeyPem { get; init; } = "";

    // Records print their members, and these hold secrets.
    public override string ToString() => nameof(NodeConfiguration);
}

/// <summary>The node did not answer within the deadline: what it did is unknown.</summary>
public sealed class NodeSilentException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>The network of the node was not there for this silo all the time: no answer says nothing of the node.</summary>
public sealed class NetworkUnavailableException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>The node answered with an error.</summary>
public sealed class NodeRefusedException(NodeFault fault, string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>What kind of error.</summary>
    public NodeFault Fault { get; } = fault;
}

/// <summary>The node could not prove that it holds the Ed25519 key that it showed.</summary>
public sealed class KeyUnprovenException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>The errors of <c>choria_provision</c> that lead to different next steps.</summary>
public enum NodeFault
{
    /// <summary>Someone else holds the node's provisioning lock, for up to two minutes.</summary>
    Locked = 1,

    /// <summary>The node does not take our shared secret.</summary>
    SecretMismatch = 2,

    /// <summary>The node is not in provisioning mode (any more).</summary>
    NotProvisioning = 3,

    /// <summary>The node is in provisioning mode already.</summary>
    AlreadyProvisioning = 4,

    /// <summary>Any other error.</summary>
    Other = 5,

    /// <summary>The reply cannot be read as what the action answers.</summary>
    Unreadable = 6,
}
