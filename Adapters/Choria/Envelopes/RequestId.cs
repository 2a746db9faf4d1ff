namespace ControlPlane.Adapters.Choria;

using System.Security.Cryptography;

/// <summary>Ids of requests, as Choria's own clients make them.</summary>
public static class RequestId
{
    private const int V1Bytes = 16;

    /// <summary>32 hexadecimal digits for V1, a KSUID for V2; unguessable.</summary>
    public static string New(ChoriaProtocol protocol, DateTimeOffset now) =>
        protocol == ChoriaProtocol.V1 ? RandomNumberGenerator.GetHexString(V1Bytes * 2, lowercase: true) : Ksuid.New(now);
}
