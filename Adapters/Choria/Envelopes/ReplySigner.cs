namespace ControlPlane.Adapters.Choria;

/// <summary>How a provisioned V2 node signs its replies. V1 replies and those of unprovisioned nodes are never signed.</summary>
/// <param name="Key">The node's key; the creator goes on owning it.</param>
/// <param name="ServerToken">The server token of the key.</param>
public sealed record ReplySigner(Ed25519Key Key, string ServerToken);
