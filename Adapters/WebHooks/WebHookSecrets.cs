using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using ControlPlane.Jobs;
using Microsoft.Extensions.Options;

namespace ControlPlane.Adapters.WebHooks;

/// <summary>The secrets of one web hook, and what is signed by them. Messages name the file, never what is in it.</summary>
internal static class WebHookSecrets
{
    private const string Prefix = "whsec_";
    private const int BytesMin = 24;
    private const int BytesMax = 64;

    public static string Rule { get; } = $"must hold one secret in each line: {Prefix} and {BytesMin} to {BytesMax} bytes in base64";

    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read.</exception>
    /// <exception cref="FormatException">It holds something else.</exception>
    public static async Task<IReadOnlyList<byte[]>> ReadAsync(string file, CancellationToken cancellationToken) =>
        Parse(file, await File.ReadAllLinesAsync(file, cancellationToken));

    public static IReadOnlyList<byte[]> Parse(string file, IEnumerable<string> lines)
    {
        var secrets = lines.Select(line => line.Trim()).Where(line => line.Length > 0).Select(ParseOrNull).ToArray();
        return secrets.Length > 0 && secrets.All(secret => secret is not null)
            ? [.. secrets.OfType<byte[]>()]
            : throw new FormatException($"the file '{file}' {Rule}");
    }

    /// <summary>The header <c>webhook-signature</c>: one signature by each secret.</summary>
    public static string Sign(IReadOnlyList<byte[]> secrets, string id, long timestamp, string body)
    {
        var signed = Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{id}.{timestamp}.{body}"));
        return string.Join(' ', secrets.Select(secret => $"v1,{Convert.ToBase64String(HMACSHA256.HashData(secret, signed))}"));
    }

    private static byte[]? ParseOrNull(string line)
    {
        var secret = new byte[BytesMax];
        return line.StartsWith(Prefix, StringComparison.Ordinal)
            && Convert.TryFromBase64String(line[Prefix.Length..], secret, out var length) && length >= BytesMin ? secret[..length] : null;
    }
}

/// <summary>Looks into the files of secrets when the silo starts.</summary>
internal sealed class WebHookSecretsValidator : IValidateOptions<JobsOptions>
{
    public ValidateOptionsResult Validate(string? name, JobsOptions options)
    {
        var faults = new ValidateOptionsResultBuilder();
        foreach (var (hook, settings) in options.WebHooks.Where(hook => File.Exists(hook.Value.SecretFile)))
        {
            try
            {
                WebHookSecrets.Parse(settings.SecretFile!, File.ReadLines(settings.SecretFile!));
            }
            catch (Exception unfit) when (unfit is FormatException or IOException or UnauthorizedAccessException)
            {
                faults.AddError(unfit.Message, $"{nameof(options.WebHooks)}:{hook}:{nameof(settings.SecretFile)}");
            }
        }

        return faults.Build();
    }
}
