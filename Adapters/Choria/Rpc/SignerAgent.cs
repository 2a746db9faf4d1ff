namespace ControlPlane.Adapters.Choria;

using System.Text.Json;

/// <summary>The service agent <c>aaa_signer</c>: signs requests for who may not. Requests to it are not signed themselves.</summary>
public static class SignerAgent
{
    public const string Name = "aaa_signer";

    /// <summary>What the agent says of a request that it does not sign, whatever the reason.</summary>
    public const string Denied = "Request Denied";

    public static readonly RpcAction<SignInput, SignOutput> Sign =
        new(Name, "sign", TimeSpan.FromSeconds(10), WireJson.Types.SignInput, WireJson.Types.SignOutput);

    /// <summary>The reply that refuses: as the agent writes it, with an output that is empty.</summary>
    public static RpcReply Deny() => new(
        Sign.Name,
        (int)RpcStatus.Aborted,
        Denied,
        JsonSerializer.SerializeToUtf8Bytes(new SignOutput(""), WireJson.Types.SignOutput));
}

/// <param name="Request">The plain request's JSON, as text.</param>
/// <param name="Token">The token of the user who asks.</param>
/// <param name="Signature">Hexadecimal Ed25519 signature of the token's key over the request.</param>
public sealed record SignInput(string Request, string Token, string Signature);

/// <param name="SecureRequest">The secure request's JSON, as text.</param>
public sealed record SignOutput(string SecureRequest);
