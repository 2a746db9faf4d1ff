using System.Security.Cryptography;
using System.Text;

namespace ControlPlane.Jobs;

/// <summary>Ids of jobs: of a key that the caller chose the same one each time, and one that nobody has otherwise.</summary>
internal static class JobKeys
{
    public const string Rule = "Idempotency-Key must be 1 to 200 characters that can be seen";

    private const int IdCharacters = 26;
    private const int KeyCharsMax = 200;

    public static bool IsValid(string key) => key.Length is > 0 and <= KeyCharsMax && !key.Any(char.IsControl);

    /// <summary>Another caller's key of the same name gives another id.</summary>
    public static string IdOf(string principal, string key) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{principal.Length}:{principal}{key}")))[..IdCharacters];

    public static string NewId() => RandomNumberGenerator.GetHexString(IdCharacters, lowercase: true);
}
