using System.Buffers;
using System.Buffers.Text;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace ControlPlane.FleetSimulator.Broker;

/// <summary>Writes CONNECT as the agent's client library does: the same keys in the same order.</summary>
internal static class ConnectLine
{
    /// <summary>The version of the client library that the captured agents report.</summary>
    public const string ClientVersion = "1.52.0";

    private static readonly JsonWriterOptions GoLikeEscapes = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static byte[] Write(Credentials credentials, string? nonce)
    {
        var line = new ArrayBufferWriter<byte>(2048);
        line.Write("CONNECT "u8);
        using (var json = new Utf8JsonWriter(line, GoLikeEscapes))
        {
            json.WriteStartObject();
            json.WriteBoolean("verbose", false);
            json.WriteBoolean("pedantic", false);
            WriteIdentity(json, credentials, nonce);
            json.WriteBoolean("tls_required", true);
            json.WriteString("name", credentials.Name);
            json.WriteString("lang", "go");
            json.WriteString("version", ClientVersion);
            json.WriteNumber("protocol", 1);
            json.WriteBoolean("echo", true);
            json.WriteBoolean("headers", true);
            json.WriteBoolean("no_responders", true);
            json.WriteEndObject();
        }

        line.Write("\r\n"u8);
        return line.WrittenSpan.ToArray();
    }

    private static void WriteIdentity(Utf8JsonWriter json, Credentials credentials, string? nonce)
    {
        if (credentials.SignNonce is { } sign)
        {
            json.WriteString("jwt", credentials.Token);

            // Also when the broker sent no nonce: the agent then signs nothing at all.
            json.WriteString("sig", Base64Url.EncodeToString(sign(Encoding.UTF8.GetBytes(nonce ?? ""))));
        }

        if (!string.IsNullOrEmpty(credentials.User) && !string.IsNullOrEmpty(credentials.Password))
        {
            json.WriteString("user", credentials.User);
            json.WriteString("pass", credentials.Password);
        }

        if (credentials.Token is { } token)
        {
            json.WriteString("auth_token", token);
        }
    }
}
