namespace ControlPlane.Adapters.Choria;

using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization.Metadata;

/// <summary>Reads tokens without verifying them: as nodes read their own, and as we read tokens from our own files.</summary>
public static class ChoriaToken
{
    public static bool TryReadUnverified(
        string token, [NotNullWhen(true)] out ProvisioningClaims? claims, [NotNullWhen(false)] out ChoriaFault? fault) =>
        TryRead(token, TokenJson.Wire.ProvisioningClaims, out claims, out fault);

    public static bool TryReadUnverified(
        string token, [NotNullWhen(true)] out ServerClaims? claims, [NotNullWhen(false)] out ChoriaFault? fault) =>
        TryRead(token, TokenJson.Wire.ServerClaims, out claims, out fault);

    public static bool TryReadUnverified(
        string token, [NotNullWhen(true)] out ClientClaims? claims, [NotNullWhen(false)] out ChoriaFault? fault) =>
        TryRead(token, TokenJson.Wire.ClientClaims, out claims, out fault);

    private static bool TryRead<T>(
        string token, JsonTypeInfo<T> type, [NotNullWhen(true)] out T? claims, [NotNullWhen(false)] out ChoriaFault? fault)
        where T : TokenClaims
    {
        ArgumentNullException.ThrowIfNull(token);
        (claims, fault) = (null, null);
        try
        {
            claims = TokenText.Read(token).Claims(type);
            return true;
        }
        catch (ChoriaFormatException unreadable)
        {
            fault = unreadable.Fault;
            return false;
        }
    }
}
